/**
 * Decides in which session a query with its own settings runs. Spark has settings per session only, so such a query gets a session:
 *
 *   clone   CloneSession (Spark 4.1 and later): a session with the settings, views and functions that the session has at
 *           that moment. The query's settings are set there, it runs there, and the clone is released at its end. Nobody
 *           waits, and the session is not touched. Queries that run at the same time with the same settings share a clone,
 *           as long as nothing has changed the session since: Spark compiles each query for each session, which for a
 *           small one is half of the work. For the same reason, and more so, a clone in which Python functions ran stays for
 *           a minute: Spark starts Python for each session, which takes a second, and ends workers that idle for a minute.
 *   locked  the session itself, if the server cannot clone, or if the query needs what a clone lacks. The settings are
 *           set, the query starts, and they are put back; no other query of the session starts meanwhile (conf-lock.ts).
 *
 * Whether the server can clone is known from its answer to the first attempt, not from its version.
 */
import { SparkStreamError } from "../../errors.js";
import type { ExecutePlanResponse } from "../generated/spark-connect_pb.js";
import { type ConfLock, firstOfRunning } from "./conf-lock.js";

export type QueryConf = Readonly<Record<string, string>>;

/** ms; far less than the hour after which Spark ends an idle session. */
const KEEP_ALIVE = 300_000;
/** ms that a clone with Python workers waits for the next query. Spark ends idle workers after the same time. */
const IDLE = 60_000;

type NextResponse = () => Promise<ExecutePlanResponse | undefined>;

/** What is asked of a session here. */
export interface ClonableSession {
  version(): Promise<string>;
  checkOpen(): void;
  close(): Promise<void>;
}

export interface QuerySession<S> {
  /** The session to run in. */
  readonly session: S;
  /**
   * Starts a query of the session with the settings. Resolves to its first response that matters, or to undefined if there
   * is none.
   *
   * @param next pulls the query's responses
   */
  start(next: NextResponse): Promise<ExecutePlanResponse | undefined>;
  /**
   * Releases the clone, if one was made for the query. Never rejects; may be called twice.
   *
   * @param stopped whether the query was stopped before its end: then no clone stays, since ending it waits for what still runs
   */
  release(stopped?: boolean): Promise<void>;
}

/**
 * Error classes of a query that refers to what a clone lacks: variables of SQL (DECLARE), and what the protocol names by an
 * id of the session, which are checkpoints, and rows that a client uploaded.
 */
const LACKING =
  /^UNRESOLVED_(COLUMN|VARIABLE)\b|^NOT_A_CONSTANT_STRING\b|^CONNECT_INVALID_PLAN\.(DATAFRAME_NOT_FOUND|NOT_FOUND_\w*CACHED_LOCAL_RELATION)/;

/** How the session is cloned. */
export interface Cloning<S> {
  /** Makes a clone that has these settings, too; undefined if the server has no such call. */
  clone(conf: QueryConf, onClose: (clone: S) => void): Promise<S | undefined>;
  /**
   * Counts the calls that may have changed the session; undefined if others may change it, too, since they may know its id.
   */
  changes(): number | undefined;
}

/** A clone and the queries that use it. */
interface SharedClone<S> {
  readonly clone: Promise<S | undefined>;
  /** Those of the session when it was made. */
  readonly changes: number | undefined;
  users: number;
  /** Whether Spark has started Python workers for it. */
  hasPython: boolean;
  /** Whether a query was stopped there, whose tasks may still run. */
  wasStopped: boolean;
  /** Ends it, if no query uses it before. */
  idle: NodeJS.Timeout | undefined;
}

/** What a query session is for. */
export interface QuerySessionUse {
  /** The query's settings. */
  readonly conf: QueryConf;
  /** Whether the query has Python functions. */
  readonly usesPython?: boolean;
}

export class QuerySessions<S extends ClonableSession> {
  readonly #session: S;
  readonly #lock: ConfLock;
  readonly #cloning: Cloning<S>;
  /** The latest of each settings. */
  readonly #shared = new Map<string, SharedClone<S>>();
  readonly #making = new Set<Promise<unknown>>();
  readonly #clones = new Set<S>();
  #canClone = true;
  #closed = false;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(session: S, lock: ConfLock, cloning: Cloning<S>) {
    this.#session = session;
    this.#lock = lock;
    this.#cloning = cloning;
  }

  /** The clones that queries run in at present. */
  get clones(): ReadonlySet<S> {
    return this.#clones;
  }

  /**
   * Calls `use` with a session for a query with these settings; `use` releases it, also if it fails. If the query needs
   * something that a clone lacks, `use` is called again, with the session itself.
   *
   * @param analyze has the session itself analyze the query
   */
  async use<T>(
    analyze: () => Promise<unknown>,
    { conf, usesPython = false }: QuerySessionUse,
    use: (session: QuerySession<S>) => Promise<T>,
  ): Promise<T> {
    const clone = await this.#inClone(conf, usesPython);
    if (!clone) return await use(this.#locked(conf));
    try {
      return await use(clone);
    } catch (error) {
      if (error instanceof SparkStreamError && error.code === "SESSION_LOST") this.#shared.clear();
      if (!(error instanceof SparkStreamError && LACKING.test(error.errorClass ?? ""))) throw error;
      // The session is asked before it is locked: a misspelt column must not make other queries wait.
      await analyze().catch((own) => {
        throw own?.errorClass === error.errorClass ? error : own;
      });
      return await use(this.#locked(conf));
    }
  }

  /** Ends the clones. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { idle } of this.#shared.values()) clearTimeout(idle);
    await Promise.allSettled(this.#making);
    await Promise.all([...this.#clones].map((clone) => clone.close()));
  }

  #locked(conf: QueryConf): QuerySession<S> {
    return {
      session: this.#session,
      start: (next) => this.#lock.run(conf, () => firstOfRunning(next)),
      release: async () => {},
    };
  }

  async #inClone(conf: QueryConf, usesPython: boolean): Promise<QuerySession<S> | undefined> {
    const key = JSON.stringify(Object.entries(conf).sort());
    if (!this.#canClone || key === "[]") return undefined;
    const changes = this.#cloning.changes();
    const found = this.#shared.get(key);
    const isCurrent = found !== undefined && found.changes !== undefined && found.changes === changes;
    if (found?.users === 0 && !isCurrent) void this.#end(key, found);
    const shared = isCurrent ? found : this.#newClone(conf, changes);
    this.#shared.set(key, shared);
    clearTimeout(shared.idle);
    shared.users++;
    shared.hasPython ||= usesPython;
    let released: Promise<void> | undefined;
    const release = (stopped = false) => {
      shared.wasStopped ||= stopped;
      released ??= this.#leave(key, shared);
      return released;
    };
    try {
      const session = await shared.clone;
      if (!session) return undefined;
      return { session, start: firstOfRunning, release };
    } catch (error) {
      if (this.#shared.get(key) === shared) this.#shared.delete(key);
      void release();
      throw error;
    }
  }

  #newClone(conf: QueryConf, changes: number | undefined): SharedClone<S> {
    return { clone: this.#make(conf), changes, users: 0, hasPython: false, wasStopped: false, idle: undefined };
  }

  /** Resolves when the clone was released, if this was its last user and it does not wait for the next one. */
  async #leave(key: string, shared: SharedClone<S>): Promise<void> {
    if (--shared.users > 0) return;
    const canBeShared = shared.changes !== undefined && this.#shared.get(key) === shared;
    const stays = shared.hasPython && !shared.wasStopped && canBeShared && !this.#closed;
    if (!stays) return await this.#end(key, shared);
    shared.idle = setTimeout(() => void this.#end(key, shared), IDLE).unref();
  }

  async #end(key: string, shared: SharedClone<S>): Promise<void> {
    if (this.#shared.get(key) === shared) this.#shared.delete(key);
    const clone = await shared.clone.catch(() => undefined);
    await clone?.close();
  }

  async #make(conf: QueryConf): Promise<S | undefined> {
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

  #keep(clone: S): void {
    this.#clones.add(clone);
    this.#keepAlive ??= setInterval(() => {
      // Queries in clones do not keep the session itself alive, which the server ends after an idle hour.
      this.#session.version().catch(() => {});
    }, KEEP_ALIVE).unref();
  }

  #forget(clone: S): void {
    this.#clones.delete(clone);
    if (this.#clones.size > 0) return;
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }
}
