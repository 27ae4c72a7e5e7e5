/**
 * The responses of an execution that have arrived: where to continue, and which are repeats. Memory: the ids of twice GENERATION
 * responses with a fingerprint each, and after a reattach a map of them.
 */
import { incompleteResult, type SparkStreamError } from "../../errors.js";
import type { ExecutePlanResponse } from "../generated/spark-connect_pb.js";

/** Responses whose ids are remembered, to drop those that a server repeats after a reattach: at least this many. */
const GENERATION = 10_000;
/** Bytes of a batch that its fingerprint looks at: all of them would cost as much as receiving them. */
const SAMPLES = 64;

export class ReceivedResponses {
  /** Ids, the newest; when they are GENERATION, the older are forgotten in one go: one by one would cost more. */
  #ids: string[] = [];
  #prints: string[] = [];
  #olderIds: string[] = [];
  #olderPrints: string[] = [];
  /** Those of earlier streams. A list costs next to nothing to add to, so the map is made only if one is needed. */
  #before: ReadonlyMap<string, string> | undefined;
  #lastId: string | undefined;
  #hasDataWithoutId = false;

  /** The id of the last response, after which a result goes on; undefined before the first. */
  get lastId(): string | undefined {
    return this.#lastId;
  }

  /** Whether data came without an id. The result cannot be resumed then: a reattach would repeat it. */
  get hasDataWithoutId(): boolean {
    return this.#hasDataWithoutId;
  }

  /** What comes from now on is of another stream, which may begin with responses that have come. */
  beginStream(): void {
    const before = new Map<string, string>();
    for (const [index, id] of this.#olderIds.entries()) before.set(id, this.#olderPrints[index]!);
    for (const [index, id] of this.#ids.entries()) before.set(id, this.#prints[index]!);
    this.#before = before;
  }

  /**
   * Notes a response. Returns false for one that came before: in an earlier stream, or just now.
   *
   * @throws SparkStreamError INCOMPLETE_RESULT for another response with the id of one that came before: it must not be
   *   dropped, and nobody can say which of the two is right
   */
  add(response: ExecutePlanResponse): boolean {
    const { responseId: id, responseType } = response;
    if (id === "") {
      this.#hasDataWithoutId ||= responseType.case === "arrowBatch";
      return true;
    }
    const known = id === this.#lastId ? this.#prints.at(-1) : this.#before?.get(id);
    const print = fingerprint(response);
    if (known !== undefined) {
      if (known !== print) throw ambiguous(id, known, print);
      return false;
    }
    if (this.#ids.length === GENERATION) {
      [this.#olderIds, this.#ids] = [this.#ids, []];
      [this.#olderPrints, this.#prints] = [this.#prints, []];
    }
    this.#ids.push(id);
    this.#prints.push(print);
    this.#lastId = id;
    return true;
  }
}

/** What two responses must have in common to be one. */
function fingerprint({ responseType }: ExecutePlanResponse): string {
  if (responseType.case !== "arrowBatch") return responseType.case ?? "no data";
  const { startOffset = "?", rowCount, chunkIndex = 0, numChunksInBatch = 1, data } = responseType.value;
  return `${rowCount} rows at ${startOffset}, chunk ${chunkIndex} of ${numChunksInBatch}, ${data.length} bytes ${sampled(data)}`;
}

/** A checksum (FNV-1a) of some bytes, which include the last. */
function sampled(data: Uint8Array): number {
  const step = Math.max(data.length / SAMPLES, 1);
  let hash = 0x811c9dc5;
  for (let at = data.length - 1; at >= 0; at -= step) hash = Math.imul(hash ^ data[Math.floor(at)]!, 0x01000193);
  return hash >>> 0;
}

function ambiguous(id: string, first: string, second: string): SparkStreamError {
  return incompleteResult(`two different responses have the id ${id} (${first}; ${second})`);
}
