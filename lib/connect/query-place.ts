/**
 * Where a query with settings of its own runs. Spark has settings per session only, so such a query gets a session:
 *
 *   clone   CloneSession (Spark 4.1 and later): a session with the settings, views and functions that the session has at
 *           that moment. The query's settings are set there, it runs there, and the clone is released at its end. Nobody
 *           waits, and the session is not touched. Queries that run at the same time with the same settings share a clone,
 *           as long as nothing has changed the session since: Spark compiles each query for each session, which for a
 *           small one is half of the work.
 *   locked  the session itself, if the server cannot clone, or if the query needs what a clone lacks. The settings are
 *           set, the query starts, and they are put back; no other query of the session starts meanwhile (conf-scope.ts).
 *
 * Whether the server can clone is known from its answer to the first attempt, not from its version.
 */
import { SparkStreamError } from "../errors.js";
import { type ConfScope, firstOfRunning } from "./conf-scope.js";
import type { DataFrame } from "./dataframe.js";
import type { ExecutePlanResponse } from "./generated/spark-connect_pb.js";
import type { SparkSession } from "./session.js";

export type QueryConf = Readonly<Record<string, string>>;

/** ms; far less than the hour after which Spark ends an idle session. */
const KEEP_ALIVE = 300_000;

type NextResponse = () => Promise<ExecutePlanResponse | undefined>;

export interface QueryPlace {
  /** The session to run in. */
  readonly session: SparkSession;
  /**
   * Starts a query of the session with the settings. Resolves to its first response that matters, or to undefined if there
   * is none.
   *
   * @param next pulls the query's responses
   */
  start(next: NextResponse): Promise<ExecutePlanResponse | undefined>;
  /** Ends what was made for the query. Never rejects; may be called twice. */
  release(): Promise<void>;
}

/**
 * Error classes of a query that refers to what a clone lacks: variables of SQL (DECLARE), and what the protocol names by an
 * id of the session, which are checkpoints, and rows that a client uploaded.
 */
const LACKING =
  /^UNRESOLVED_(COLUMN|VARIABLE)\b|^NOT_A_CONSTANT_STRING\b|^CONNECT_INVALID_PLAN\.(DATAFRAME_NOT_FOUND|NOT_FOUND_\w*CACHED_LOCAL_RELATION)/;

/** What the places need of their session. */
export interface Cloning {
  /** Makes a clone that has these settings, too; undefined if the server has no such call. */
  clone(conf: QueryConf, onClose: (clone: SparkSession) => void): Promise<SparkSession | undefined>;
  /**
   * Counts the calls that may have changed the session; undefined if others may change it, too, since they may know its id.
   */
  changes(): number | undefined;
}

/** A clone and the queries that use it. */
interface SharedClone {
  readonly clone: Promise<SparkSession | undefined>;
  /** Those of the session when it was made. */
  readonly changes: number | undefined;
  users: number;
}

export class QueryPlaces {
  readonly #session: SparkSession;
  readonly #lock: ConfScope;
  readonly #cloning: Cloning;
  /** The latest of each settings. */
  readonly #shared = new Map<string, SharedClone>();
  readonly #making = new Set<Promise<unknown>>();
  readonly #clones = new Set<SparkSession>();
  #canClone = true;
  #closed = false;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(session: SparkSession, lock: ConfScope, cloning: Cloning) {
    this.#session = session;
    this.#lock = lock;
    this.#cloning = cloning;
  }

  /** The clones that queries run in at present. */
  get clones(): ReadonlySet<SparkSession> {
    return this.#clones;
  }

  /**
   * Runs `use` in a place for a query with these settings; `use` sees to its release, also when it fails. If the query needs
   * what a clone lacks, `use` is called again, for the session itself.
   *
   * @param dataFrame the query, of the session
   */
  async use<T>(dataFrame: DataFrame, conf: QueryConf, use: (place: QueryPlace) => Promise<T>): Promise<T> {
    const place = await this.#inClone(conf);
    if (!place) return await use(this.#locked(conf));
    try {
      return await use(place);
    } catch (error) {
      if (error instanceof SparkStreamError && error.code === "SESSION_LOST") this.#shared.clear();
      if (!(error instanceof SparkStreamError && LACKING.test(error.errorClass ?? ""))) throw error;
      // The session is asked before it is locked: a misspelt column must not make other queries wait.
      await dataFrame.sparkSchema().catch((own) => {
        throw own?.errorClass === error.errorClass ? error : own;
      });
      return await use(this.#locked(conf));
    }
  }

  /** Ends the clones. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#making);
    await Promise.all([...this.#clones].map((clone) => clone.close()));
  }

  #locked(conf: QueryConf): QueryPlace {
    return {
      session: this.#session,
      start: (next) => this.#lock.run(conf, () => firstOfRunning(next)),
      release: async () => {},
    };
  }

  async #inClone(conf: QueryConf): Promise<QueryPlace | undefined> {
    const key = JSON.stringify(Object.entries(conf).sort());
    if (!this.#canClone || key === "[]") return undefined;
    const changes = this.#cloning.changes();
    const found = this.#shared.get(key);
    const isCurrent = found !== undefined && found.changes !== undefined && found.changes === changes;
    const shared = isCurrent ? found : { clone: this.#make(conf), changes, users: 0 };
    this.#shared.set(key, shared);
    shared.users++;
    let released: Promise<void> | undefined;
    const release = () => {
      released ??= this.#leave(key, shared);
      return released;
    };
    try {
      const session = await shared.clone;
      if (!session) return undefined;
      return { session, start: firstOfRunning, release };
    } catch (error) {
      void release();
      throw error;
    }
  }

  /** Resolves when the clone was released, if this was its last user. */
  async #leave(key: string, shared: SharedClone): Promise<void> {
    if (--shared.users > 0) return;
    if (this.#shared.get(key) === shared) this.#shared.delete(key);
    const clone = await shared.clone.catch(() => undefined);
    await clone?.close();
  }

  async #make(conf: QueryConf): Promise<SparkSession | undefined> {
    // While the session is locked, a clone of it would have the settings of another query.
    const making = this.#lock.run({}, () => this.#cloning.clone(conf, (clone) => this.#forget(clone)));
    this.#making.add(making);
    try {
      const clone = await making;
      if (clone) this.#keep(clone);
      else this.#canClone = false;
      if (this.#closed) this.#session.checkOpen();
      return clone;
    } finally {
      this.#making.delete(making);
    }
  }

  #keep(clone: SparkSession): void {
    this.#clones.add(clone);
    this.#keepAlive ??= setInterval(() => {
      // What runs in clones is no sign of life of the session, which the server ends when it is idle for an hour.
      this.#session.version().catch(() => {});
    }, KEEP_ALIVE).unref();
  }

  #forget(clone: SparkSession): void {
    this.#clones.delete(clone);
    if (this.#clones.size > 0) return;
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }
}
