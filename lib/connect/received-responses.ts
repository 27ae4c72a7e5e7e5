/**
 * What has arrived of an execution: where to go on from, and what came before. Memory: the ids of REMEMBERED_IDS
 * responses.
 */
import type { ExecutePlanResponse } from "./generated/spark-connect_pb.js";

/** Responses whose ids are remembered, to drop those that a server sends again after a reattach. */
const REMEMBERED_IDS = 10_000;

export class ReceivedResponses {
  readonly #ids = new Set<string>();
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
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > REMEMBERED_IDS) this.#ids.delete(this.#ids.values().next().value!);
    this.#lastId = id;
    return true;
  }
}
