/**
 * What has arrived of an execution: where to go on from, and what came before. Memory: the ids of twice GENERATION
 * responses.
 */
import type { ExecutePlanResponse } from "./generated/spark-connect_pb.js";

/** Responses whose ids are remembered, to drop those that a server sends again after a reattach: so many at the least. */
const GENERATION = 10_000;

export class ReceivedResponses {
  /** Ids, the newest; when they are GENERATION, the older are forgotten in one go: one by one would cost more. */
  #ids = new Set<string>();
  #older = new Set<string>();
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

  /** Notes a response. Returns false for one that came before. */
  add({ responseId: id, responseType }: ExecutePlanResponse): boolean {
    if (id === "") {
      this.#unnamed ||= responseType.case === "arrowBatch";
      return true;
    }
    if (this.#ids.has(id) || this.#older.has(id)) return false;
    if (this.#ids.size === GENERATION) [this.#older, this.#ids] = [this.#ids, new Set()];
    this.#ids.add(id);
    this.#lastId = id;
    return true;
  }
}
