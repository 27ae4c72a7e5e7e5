import { RecordBatch, type Table } from "apache-arrow";
import { atMost } from "../abort.js";
import { type CallOptions, checkCallOptions } from "../call-options.js";
import { SparkStreamError } from "../errors.js";
import { SHORT_TIMEOUT } from "./call-policy.js";
import { Client } from "./client.js";
import { type ConfAccess, ConfScope } from "./conf-scope.js";
import { DataFrame } from "./dataframe.js";
import { DataFrameReader } from "./dataframe-reader.js";
import type { Endpoint } from "./endpoint.js";
import { literal, type SqlParameter } from "./literal.js";
import { localRelation } from "./local-relation.js";
import type { RelationInit } from "./plan.js";
import { sqlPlan } from "./sql.js";

/** Parameters of a query: `{ name: value }` for `:name`, an array for `?`. */
export type SqlArguments = Readonly<Record<string, SqlParameter>> | readonly SqlParameter[];

/** The settings of a session. Every call takes a `signal`. */
export interface RuntimeConf {
  /** @throws SparkStreamError QUERY_FAILED if the key is not set and has no default, and none is given here. */
  get(key: string, defaultValue?: string, options?: CallOptions): Promise<string>;
  set(key: string, value: string | number | boolean, options?: CallOptions): Promise<void>;
  unset(key: string, options?: CallOptions): Promise<void>;
}

/** What is asked of a new session; see `connect()`. */
export class SparkSession implements AsyncDisposable {
  /** @internal */
  readonly client: Client;
  readonly conf: RuntimeConf;
  readonly #confScope: ConfScope;
  readonly #onClose: () => Promise<void>;
  readonly #farewells = new Set<() => Promise<void>>();
  #closed: Promise<void> | undefined;

  /** @internal Use `connect()`. */
  constructor(endpoint: Endpoint, onClose: () => Promise<void> = async () => {}, handleSignals = true) {
    this.client = new Client(endpoint, handleSignals);
    this.#onClose = onClose;
    this.conf = runtimeConf(this.client);
    this.#confScope = new ConfScope(confAccess(this.client));
  }

  /** The session's id, a UUID; another client can join the session by it. */
  get sessionId(): string {
    return this.client.sessionId;
  }

  /** The version of the server's Spark, such as "4.3.0". */
  async version(options: CallOptions = {}): Promise<string> {
    checkCallOptions(options, "version()");
    return (await this.client.analyze({ case: "sparkVersion", value: {} }, options)).version;
  }

  /**
   * A query, or a command. A query runs when its result is asked for; a command (CREATE, INSERT, …) at its DataFrame's
   * first use, and only then, whatever that is.
   *
   * @param args bound by the protocol, never put into the text
   * @throws SparkStreamError INVALID_ARGUMENT for a parameter that has no SQL type
   */
  sql(query: string, args: SqlArguments = {}): DataFrame {
    this.checkOpen();
    const positional = Array.isArray(args);
    const literals = Object.entries(args as Record<string, SqlParameter>).map(
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
    return new DataFrame(this, sqlPlan(this.client, query, relation));
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
    const value = {
      start: BigInt(start),
      end: BigInt(end),
      step: BigInt(step),
      ...(numPartitions && { numPartitions }),
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
    const batches = data instanceof RecordBatch ? [data] : "batches" in data ? data.batches : data;
    // A relation each: servers before August 2025 silently keep only the first batch of a stream.
    const frames = batches.map((batch) => {
      const relation = localRelation(batch);
      return new DataFrame(this, async () => relation);
    });
    const [first, ...others] = frames;
    if (!first) {
      throw new SparkStreamError(
        "INVALID_ARGUMENT",
        "createDataFrame() needs at least one record batch, which may be empty.",
      );
    }
    return others.reduce((union, frame) => union.union(frame), first);
  }

  /** Interrupts all that runs in the session. Resolves to the ids of the operations. */
  interruptAll(options?: CallOptions): Promise<string[]> {
    return this.#interrupt("all", options, "interruptAll()");
  }

  /** Interrupts what was started with this tag. */
  interruptTag(tag: string, options?: CallOptions): Promise<string[]> {
    return this.#interrupt({ tag }, options, "interruptTag()");
  }

  interruptOperation(operationId: string, options?: CallOptions): Promise<string[]> {
    return this.#interrupt({ operationId }, options, "interruptOperation()");
  }

  async #interrupt(what: Parameters<Client["interrupt"]>[0], options: CallOptions = {}, call: string) {
    checkCallOptions(options, call);
    return await this.client.interrupt(what, options);
  }

  /** @internal Starts something while the session has these settings; others that start wait. */
  withConf<T>(conf: Readonly<Record<string, string>>, start: () => Promise<T>): Promise<T> {
    return this.#confScope.run(conf, start);
  }

  /** @internal @throws SparkStreamError SESSION_CLOSED */
  checkOpen(): void {
    this.client.checkOpen();
  }

  /** Ends the session and all that runs in it; a local Spark that was started for it ends too. May be called twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const farewells = [...this.#farewells].map((farewell) => farewell());
    await atMost(SHORT_TIMEOUT, Promise.allSettled([...farewells, this.client.stopped()]));
    await this.client.close();
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

function runtimeConf(client: Client): RuntimeConf {
  return {
    async get(key, defaultValue, options = {}) {
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
      checkCallOptions(options, "conf.set()");
      await client.config({ case: "set", value: { pairs: [{ key, value: String(value) }] } }, options);
    },
    async unset(key, options = {}) {
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
