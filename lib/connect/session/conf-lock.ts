/**
 * Settings that hold for the start of one query, in the session itself: for servers that cannot clone it, and queries that
 * cannot run in a clone (query-session.ts). The query sets them, starts, and puts them back; no other query of the session
 * starts meanwhile.
 */
import type { ExecutePlanResponse } from "../generated/spark-connect_pb.js";

export interface ConfAccess {
  /** The values of these keys; undefined for a key that is not set. */
  get(keys: readonly string[]): Promise<(string | undefined)[]>;
  set(conf: Readonly<Record<string, string>>): Promise<void>;
  unset(keys: readonly string[]): Promise<void>;
}

export class ConfLock {
  readonly #access: ConfAccess;
  /** Settles when the last exclusive start is over. */
  #exclusive: Promise<unknown> = Promise.resolve();
  readonly #shared = new Set<Promise<unknown>>();

  constructor(access: ConfAccess) {
    this.#access = access;
  }

  /** Runs `start` while the session has these settings. */
  run<T>(conf: Readonly<Record<string, string>>, start: () => Promise<T>): Promise<T> {
    if (Object.keys(conf).length === 0) return this.#runShared(start);
    const before = Promise.allSettled([this.#exclusive, ...this.#shared]);
    const run = before.then(() => this.#runWith(conf, start));
    this.#exclusive = run.catch(() => {});
    return run;
  }

  #runShared<T>(start: () => Promise<T>): Promise<T> {
    const run = this.#exclusive.then(start);
    this.#shared.add(run);
    const done = () => this.#shared.delete(run);
    run.then(done, done);
    return run;
  }

  async #runWith<T>(conf: Readonly<Record<string, string>>, start: () => Promise<T>): Promise<T> {
    const keys = Object.keys(conf);
    const before = await this.#access.get(keys);
    try {
      await this.#access.set(conf);
      return await start();
    } finally {
      const set = keys.flatMap((key, index) => (before[index] === undefined ? [] : [[key, before[index]] as const]));
      if (set.length > 0) await this.#access.set(Object.fromEntries(set));
      const unset = keys.filter((_, index) => before[index] === undefined);
      if (unset.length > 0) await this.#access.unset(unset);
    }
  }
}

/**
 * The first response that shows that a query has taken its settings. Spark reads maxRecordsPerBatch before it sends the
 * schema, but the compression codec after that, when it starts the job. So a schema is too early, and the progress message
 * that comes with it too: a stage must be running, or its rows be there. What came before is dropped; it holds no data.
 */
export async function firstOfRunning(
  next: () => Promise<ExecutePlanResponse | undefined>,
): Promise<ExecutePlanResponse | undefined> {
  let schemaSeen = false;
  for (let response = await next(); response; response = await next()) {
    const { responseType, schema } = response;
    if (responseType.case === "arrowBatch") return response;
    const begun = responseType.case !== "executionProgress" || responseType.value.stages.some(({ done }) => !done);
    if (schemaSeen && begun) return response;
    schemaSeen ||= schema !== undefined;
  }
  return undefined;
}
