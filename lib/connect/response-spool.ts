/**
 * Responses that had to be taken from the server before the consumer wanted them, in order. Memory: at most `memoryBytes`
 * of Arrow data; what comes beyond that goes to a temporary file.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ExecutePlanResponse, ExecutePlanResponseSchema } from "./generated/spark-connect_pb.js";
import { SpillFile } from "./spill-file.js";

export class ResponseSpool {
  readonly #memoryBytes: number;
  readonly #memory: ExecutePlanResponse[] = [];
  #held = 0;
  #file: SpillFile | undefined;
  #filed = 0;
  /** Settles when nothing of what was asked before is under way: what is put in while the last is taken must not be lost. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes;
  }

  get length(): number {
    return this.#memory.length + this.#filed;
  }

  /** Whether a temporary file is in use. */
  get spilled(): boolean {
    return this.#file !== undefined;
  }

  push(response: ExecutePlanResponse): Promise<void> {
    return this.#inTurn(() => this.#push(response));
  }

  shift(): Promise<ExecutePlanResponse | undefined> {
    return this.#inTurn(() => this.#shift());
  }

  /** Drops what is left. May be called twice. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => {});
    return result;
  }

  async #push(response: ExecutePlanResponse): Promise<void> {
    const size = sizeOf(response);
    if (this.#file === undefined && this.#held + size <= this.#memoryBytes) {
      this.#memory.push(response);
      this.#held += size;
      return;
    }
    this.#file ??= await SpillFile.create();
    await this.#file.append(toBinary(ExecutePlanResponseSchema, response));
    this.#filed++;
  }

  async #shift(): Promise<ExecutePlanResponse | undefined> {
    const response = this.#memory.shift();
    if (response) {
      this.#held -= sizeOf(response);
      return response;
    }
    const bytes = await this.#file?.take();
    if (!bytes) return undefined;
    this.#filed--;
    if (this.#filed === 0) await this.#close();
    return fromBinary(ExecutePlanResponseSchema, bytes);
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#filed = 0;
    this.#memory.length = 0;
    this.#held = 0;
    await file?.close();
  }
}

/** Bytes of Arrow data in a response; what else it holds is small. */
export function sizeOf({ responseType }: ExecutePlanResponse): number {
  return responseType.case === "arrowBatch" ? responseType.value.data.length : 0;
}
