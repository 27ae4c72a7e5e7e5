/**
 * What has arrived of an execution: where to go on from, and what came before. Memory: the ids of twice GENERATION
 * responses, and after a reattach a set of them.
 */
import type { ExecutePlanResponse } from "./generated/spark-connect_pb.js";

/** Responses whose ids are remembered, to drop those that a server sends again after a reattach: so many at the least. */
const GENERATION = 10_000;

export class ReceivedResponses {
  /** Ids, the newest; when they are GENERATION, the older are forgotten in one go: one by one would cost more. */
  #ids: string[] = [];
  #older: string[] = [];
  /** Those of earlier streams. A list costs next to nothing to add to, so the set is made only where one is needed. */
  #before: ReadonlySet<string> | undefined;
  #lastId: string | undefined;
  #unnamed = false;

  /** The id of the last response, after which a result goes on; undefined before the first. */
  get lastId(): string | undefined {
    return this.#lastId;
  }

  /** Whether data came without an id: there is no saying where to go on, and a reattach would send it again. */
  get unnamed(): boolean {
    return this.#unnamed;
  }

  /** What comes from now on is of another stream, which may begin with responses that have come. */
  beginStream(): void {
    this.#before = new Set([...this.#older, ...this.#ids]);
  }

  /** Notes a response. Returns false for one that came before: in an earlier stream, or just now. */
  add({ responseId: id, responseType }: ExecutePlanResponse): boolean {
    if (id === "") {
      this.#unnamed ||= responseType.case === "arrowBatch";
      return true;
    }
    if (id === this.#lastId || this.#before?.has(id)) return false;
    if (this.#ids.length === GENERATION) [this.#older, this.#ids] = [this.#ids, []];
    this.#ids.push(id);
    this.#lastId = id;
    return true;
  }
}
