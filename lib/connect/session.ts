import { RecordBatch, type Table } from "apache-arrow";
import { atMost } from "../abort.js";
import { type CallOptions, checkCallOptions } from "../call-options.js";
import { SparkStreamError } from "../errors.js";
import { checkArgument, filled, text } from "../options.js";
import {
  long,
  step as longStep,
  tag as operationTag,
  partitionCount,
  settingValue,
  sqlArguments,
} from "./arguments.js";
import { SHORT_TIMEOUT } from "./call-policy.js";
import type { Client } from "./client.js";
import { type ConfAccess, ConfScope } from "./conf-scope.js";
import { DataFrame } from "./dataframe.js";
import { DataFrameReader } from "./dataframe-reader.js";
import { literal, type SqlParameter } from "./literal.js";
import { isBatches, localRelation } from "./local-relation.js";
import type { PlanSource, RelationInit } from "./plan.js";
import { type QueryConf, type QueryPlace, QueryPlaces } from "./query-place.js";
import { sqlPlan, statementText } from "./sql.js";
import { PROGRESS_CONF } from "./stop-point.js";
import { UnusedCommands } from "./unused-commands.js";

/** Parameters of a query: `{ name: value }` for `:name`, an array for `?`. */
export type SqlArguments = Readonly<Record<string, SqlParameter>> | readonly SqlParameter[];

/** ms of SHORT_TIMEOUT that are left for the release of the session. */
const RELEASE_TIMEOUT = 1_000;

/** The settings of a session. Every call takes a `signal`. */
export interface RuntimeConf {
  /** @throws SparkStreamError QUERY_FAILED if the key is not set and has no default, and none is given here. */
  get(key: string, defaultValue?: string, options?: CallOptions): Promise<string>;
  set(key: string, value: string | number | boolean, options?: CallOptions): Promise<void>;
  unset(key: string, options?: CallOptions): Promise<void>;
}

/** A session on a Spark Connect server, made by `connect()`: it makes DataFrames, runs SQL and holds settings. */
export class SparkSession implements AsyncDisposable {
  /** @internal */
  readonly client: Client;
  readonly conf: RuntimeConf;
  /** Settings that the session was made with, as the clone of another. */
  readonly #own: QueryConf;
  readonly #places: QueryPlaces;
  /** Whether others may know the session's id, and so change it unseen. */
  #mayBeJoined: boolean;
  readonly #onClose: () => Promise<void>;
  readonly #farewells = new Set<() => Promise<void>>();
  readonly #unused = new UnusedCommands();
  #closed: Promise<void> | undefined;

  /** @internal Use `connect()`. */
  constructor(client: Client, onClose: () => Promise<void> = async () => {}, own: QueryConf = {}) {
    this.client = client;
    this.#onClose = onClose;
    this.#own = own;
    this.#mayBeJoined = client.endpoint.sessionId !== undefined;
    this.conf = runtimeConf(client);
    this.#places = new QueryPlaces(this, new ConfScope(confAccess(client)), {
      clone: (conf, onClose) => this.#clone(conf, onClose),
      changes: () => (this.#mayBeJoined ? undefined : client.changes),
    });
  }

  /** The session's id, a UUID; another client can join the session by it. */
  get sessionId(): string {
    this.#mayBeJoined = true;
    return this.client.sessionId;
  }

  /** The version of the server's Spark, such as "4.3.0". */
  async version(options: CallOptions = {}): Promise<string> {
    checkCallOptions(options, "version()");
    return (await this.client.analyze({ case: "sparkVersion", value: {} }, options)).version;
  }

  /**
   * A query, or a command. A query runs when its result is asked for; a command (CREATE, INSERT, …) at its DataFrame's
   * first use, and only then, whatever that is. `await` is no use: a DataFrame is not a promise. A process warning names a
   * command whose DataFrame was never used, when the session closes.
   *
   * @param args bound by the protocol, never put into the text
   * @throws SparkStreamError INVALID_ARGUMENT for a parameter that has no SQL type
   */
  sql(query: string, args: SqlArguments = {}): DataFrame {
    this.checkOpen();
    checkArgument("sql()", "query", query, text);
    checkArgument("sql()", "args", args, sqlArguments);
    const positional = Array.isArray(args);
    // Not the entries of an array, which leave out its holes: those are no parameters either.
    const pairs = positional ? Array.from(args, (value, index) => [String(index), value]) : Object.entries(args);
    const literals = pairs.map(
      ([name, value]) => [name, { exprType: { case: "literal", value: literal(value, name) } }] as const,
    );
    const relation: RelationInit = {
      relType: {
        case: "sql",
        value: positional
          ? { query, posArguments: literals.map(([, expression]) => expression) }
          : { query, namedArguments: Object.fromEntries(literals) },
      },
    };
    const plan = sqlPlan(this.client, query, relation);
    const used = this.#unused.add(statementText(query));
    const source: PlanSource = (...options) => {
      used();
      return plan(...options);
    };
    return new DataFrame(this, source);
  }

  /** A table or view by its name. */
  table(name: string): DataFrame {
    return this.read.table(name);
  }

  /** One column `id` of BIGINT from `start` (included) to `end` (not). With one argument from 0. */
  range(end: number | bigint): DataFrame;
  range(start: number | bigint, end: number | bigint, step?: number | bigint, numPartitions?: number): DataFrame;
  range(
    first: number | bigint,
    second?: number | bigint,
    step: number | bigint = 1,
    numPartitions?: number,
  ): DataFrame {
    this.checkOpen();
    const [start, end] = second === undefined ? [0, first] : [first, second];
    checkArgument("range()", "start", start, long);
    checkArgument("range()", "end", end, long);
    checkArgument("range()", "step", step, longStep);
    if (numPartitions !== undefined) checkArgument("range()", "numPartitions", numPartitions, partitionCount);
    const value = {
      start: BigInt(start),
      end: BigInt(end),
      step: BigInt(step),
      ...(numPartitions !== undefined && { numPartitions }),
    };
    return new DataFrame(this, async () => ({ relType: { case: "range", value } }));
  }

  /** Reads files and other sources. */
  get read(): DataFrameReader {
    this.checkOpen();
    return new DataFrameReader(this);
  }

  /**
   * A DataFrame of record batches that travel within the plan: for small data, at most some megabytes.
   *
   * @throws SparkStreamError INVALID_ARGUMENT without any batch, since there is no schema then; UNSUPPORTED_TYPE for a
   *   dictionary within a nested column
   */
  createDataFrame(data: Table | RecordBatch | readonly RecordBatch[]): DataFrame {
    this.checkOpen();
    const given = data instanceof RecordBatch ? [data] : data;
    checkArgument("createDataFrame()", "data", given, [isBatches, "a Table, a RecordBatch or an array of them"]);
    const batches = "batches" in given ? given.batches : given;
    // A relation each: servers before August 2025 silently keep only the first batch of a stream.
    const frames = batches.map((batch) => {
      const relation = localRelation(batch);
      return new DataFrame(this, async () => relation);
    });
    if (frames.length === 0) {
      throw new SparkStreamError(
        "INVALID_ARGUMENT",
        "createDataFrame() needs at least one record batch, which may be empty.",
      );
    }
    return unionOf(frames);
  }

  /** Interrupts all that runs in the session. Resolves to the ids of the operations. */
  interruptAll(options?: CallOptions): Promise<string[]> {
    return this.#interrupt("all", options, "interruptAll()");
  }

  /**
   * Interrupts what was started with this tag. Queries with settings of their own are found by the session object that
   * started them, and not by other clients of the session, since they run in clones of it.
   */
  async interruptTag(tag: string, options?: CallOptions): Promise<string[]> {
    checkArgument("interruptTag()", "tag", tag, operationTag);
    return await this.#interrupt({ tag }, options, "interruptTag()");
  }

  async interruptOperation(operationId: string, options?: CallOptions): Promise<string[]> {
    checkArgument("interruptOperation()", "operationId", operationId, filled);
    return await this.#interrupt({ operationId }, options, "interruptOperation()");
  }

  async #interrupt(
    what: Parameters<Client["interrupt"]>[0],
    options: CallOptions = {},
    call: string,
  ): Promise<string[]> {
    checkCallOptions(options, call);
    const inClones = [...this.#places.clones].map(({ client }) => client.interrupt(what, options).catch(() => [])); // it ends just now
    const ids = await Promise.all([this.client.interrupt(what, options), ...inClones]);
    return ids.flat();
  }

  /** @internal Has a query run where it has these settings; see QueryPlaces.use. */
  usePlace<T>(dataFrame: DataFrame, conf: QueryConf, use: (place: QueryPlace) => Promise<T>): Promise<T> {
    const lacking = Object.entries(conf).filter(([key, value]) => this.#own[key] !== value);
    return this.#places.use(dataFrame, Object.fromEntries(lacking), use);
  }

  async #clone(conf: QueryConf, onClose: (clone: SparkSession) => void): Promise<SparkSession | undefined> {
    const client = await this.client.clone();
    if (!client) return undefined;
    const clone: SparkSession = new SparkSession(client, async () => onClose(clone), { ...this.#own, ...conf });
    try {
      await confAccess(client).set({ ...PROGRESS_CONF, ...conf });
      return clone;
    } catch (error) {
      await clone.close();
      throw error;
    }
  }

  /** @internal @throws SparkStreamError SESSION_CLOSED */
  checkOpen(): void {
    this.client.checkOpen();
  }

  /** Ends the session and all that runs in it; a local Spark that was started for it ends too. May be called twice. */
  close(): Promise<void> {
    this.#unused.warn();
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const farewells = [...this.#farewells].map((farewell) => farewell());
    const ended = Promise.allSettled([...farewells, this.client.stopped()]).then(() => this.#places.close());
    const start = performance.now();
    await atMost(SHORT_TIMEOUT - RELEASE_TIMEOUT, ended);
    const timeoutMs = Math.max(SHORT_TIMEOUT - (performance.now() - start), RELEASE_TIMEOUT);
    await this.client.close({ timeoutMs });
    await this.#onClose();
  }

  /**
   * @internal Something to do on the server before the session ends, in SHORT_TIMEOUT at most.
   *
   * @returns takes it back
   */
  beforeClose(farewell: () => Promise<void>): () => void {
    this.#farewells.add(farewell);
    return () => this.#farewells.delete(farewell);
  }

  /** @internal Gives up a session that never came about: the server is told nothing, it may not be there. */
  async abandon(): Promise<void> {
    this.client.abandon();
    await this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** In order. Halves of halves, since a plan must not be nested as deeply as there may be frames. */
function unionOf(frames: readonly DataFrame[]): DataFrame {
  if (frames.length === 1) return frames[0]!;
  const half = frames.length >> 1;
  return unionOf(frames.slice(0, half)).union(unionOf(frames.slice(half)));
}

function runtimeConf(client: Client): RuntimeConf {
  return {
    async get(key, defaultValue, options = {}) {
      checkArgument("conf.get()", "key", key, filled);
      if (defaultValue !== undefined) checkArgument("conf.get()", "defaultValue", defaultValue, text);
      checkCallOptions(options, "conf.get()");
      const pairs = await client.config(
        defaultValue === undefined
          ? { case: "get", value: { keys: [key] } }
          : { case: "getWithDefault", value: { pairs: [{ key, value: defaultValue }] } },
        options,
      );
      return pairs[0]?.value ?? "";
    },
    async set(key, value, options = {}) {
      checkArgument("conf.set()", "key", key, filled);
      checkArgument("conf.set()", "value", value, settingValue);
      checkCallOptions(options, "conf.set()");
      await client.config({ case: "set", value: { pairs: [{ key, value: String(value) }] } }, options);
    },
    async unset(key, options = {}) {
      checkArgument("conf.unset()", "key", key, filled);
      checkCallOptions(options, "conf.unset()");
      await client.config({ case: "unset", value: { keys: [key] } }, options);
    },
  };
}

function confAccess(client: Client): ConfAccess {
  return {
    async get(keys) {
      const pairs = await client.config({ case: "getOption", value: { keys: [...keys] } });
      return keys.map((key) => pairs.find((pair) => pair.key === key)?.value);
    },
    async set(conf) {
      const pairs = Object.entries(conf).map(([key, value]) => ({ key, value }));
      await client.config({ case: "set", value: { pairs } });
    },
    async unset(keys) {
      await client.config({ case: "unset", value: { keys: [...keys] } });
    },
  };
}
