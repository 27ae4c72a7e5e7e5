/**
 * SparkSession and DataFrame. They are one file since each of them makes the other; what they do not need each other for is
 * in files of their own.
 */
import { randomUUID } from "node:crypto";
import type { Schema, Table } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { atMost } from "../../runtime/abort.js";
import {
  type CallOptions,
  checkCallOptions,
  checkRunOptions,
  type RunOptions,
  runOptions,
} from "../../runtime/call-options.js";
import {
  checkArgument,
  checkKnown,
  checkOptions,
  filled,
  flag,
  type OptionTable,
  text,
} from "../../runtime/check-options.js";
import { SharedRun } from "../../runtime/shared-run.js";
import type { Execution } from "../execution/execution.js";
import { PROGRESS_CONF } from "../execution/stop-point.js";
import { type DataType, AnalyzePlanRequest_Explain_ExplainMode as Mode } from "../generated/spark-connect_pb.js";
import { type CreateDataFrameOptions, createdRelation, type LocalData } from "../local-data/created-relation.js";
import { SHORT_TIMEOUT } from "../rpc/call-policy.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";
import { CODEC_CONF } from "../rpc/stream-limits.js";
import { long, step as longStep, tag as operationTag, partitionCount, rowCount, sqlArguments } from "./arguments.js";
import { arrowSchema } from "./arrow-schema.js";
import { arrowSettings } from "./arrow-settings.js";
import type { Capabilities } from "./capabilities.js";
import { Catalog, type Question } from "./catalog.js";
import { confAccess, isSettingsRefusal, type RuntimeConf, runtimeConf } from "./conf.js";
import { ConfLock } from "./conf-lock.js";
import { countRows } from "./count.js";
import { DataFrameReader } from "./dataframe-reader.js";
import { DataFrameWriter } from "./dataframe-writer.js";
import type { PlanSource } from "./plan.js";
import { type QueryConf, type QuerySession, QuerySessions, type QuerySessionUse } from "./query-session.js";
import * as relations from "./relations.js";
import type {
  CollectOptions,
  DataFrameRows,
  FromStreamOptions,
  Results,
  Row,
  RowsOfOptions,
  StreamInput,
  ToTableOptions,
} from "./results.js";
import { sqlPlan, statementText } from "./sql.js";
import type { SqlArguments } from "./sql-arguments.js";
import { Transformations } from "./transformations.js";
import { typeName } from "./type-name.js";
import { UnusedCommands } from "./unused-commands.js";

/** ms of SHORT_TIMEOUT that are left for the release of the session. */
const RELEASE_TIMEOUT = 1_000;

/** A session on a Spark Connect server, made by `connect()`: it makes DataFrames, runs SQL and holds settings. */
export class SparkSession implements AsyncDisposable {
  /** @internal */
  readonly client: SparkConnectClient;
  /** @internal */
  readonly results: Results;
  readonly conf: RuntimeConf;
  /** Settings that the session was made with, as the clone of another. */
  readonly #own: QueryConf;
  readonly #querySessions: QuerySessions<SparkSession>;
  /** Whether others may know the session's id, and so change it unseen. */
  #mayBeJoined: boolean;
  readonly #onClose: () => Promise<void>;
  readonly #beforeClose = new Set<() => Promise<void>>();
  readonly #unused = new UnusedCommands();
  #capabilities: SharedRun<Capabilities> | undefined;
  /** Whether the server lets nobody change settings. */
  #settingsRefused = false;
  #closed: Promise<void> | undefined;

  /** @internal Use `connect()`. */
  constructor(
    client: SparkConnectClient,
    results: Results,
    onClose: () => Promise<void> = async () => {},
    own: QueryConf = {},
  ) {
    this.client = client;
    this.results = results;
    this.#onClose = onClose;
    this.#own = own;
    this.#mayBeJoined = client.mayExist || client.options.keepSession === true;
    this.conf = runtimeConf(client);
    this.#querySessions = new QuerySessions<SparkSession>(this, new ConfLock(confAccess(client)), {
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
    return await this.client.version(options);
  }

  /**
   * What the server can do, such as staging, progress or compression: found out from the server by a few jobs of one row, once
   * per session.
   *
   * @throws SparkStreamError UNAVAILABLE and the like, if the server cannot be asked
   */
  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    checkCallOptions(options, "capabilities()");
    this.checkOpen();
    const { findCapabilities } = await import("./find-capabilities.js");
    if (!this.#capabilities || this.#capabilities.abandoned) {
      this.#capabilities = new SharedRun(({ signal }) => findCapabilities(this, signal));
    }
    const found = this.#capabilities;
    try {
      return await found.wait(options);
    } catch (error) {
      if (this.#capabilities === found && !options.signal?.aborted) this.#capabilities = undefined;
      throw error;
    }
  }

  /**
   * Another session on the same server: with settings, temporary views and queries of its own. It is to be closed by itself;
   * on a Spark that `connect("local")` started it is closed with the session that started it.
   *
   * @throws SparkStreamError as `connect()`
   */
  async newSession(): Promise<SparkSession> {
    this.checkOpen();
    const { openSession } = await import("./open-session.js");
    const { endpoint, options } = this.client;
    const opening = { handleSignals: options.handleSignals, sessionId: randomUUID() };
    let forget = () => {};
    const session = await openSession(endpoint, this.results, opening, async () => forget());
    if (endpoint.startedHere) forget = this.beforeClose(() => session.close());
    return session;
  }

  /**
   * A query, or a command. A query runs when its result is asked for; a command (CREATE, INSERT, …) at its DataFrame's
   * first use, whatever that is. `await` does nothing: a DataFrame is not a promise. A process warning names a
   * command whose DataFrame was never used, when the session closes.
   *
   * @param args values of `:name` or `?`, and DataFrames for `{name}`; bound by the protocol, never put into the text
   * @throws SparkStreamError INVALID_ARGUMENT for a parameter that has no SQL type, and a DataFrame of another session
   */
  sql(query: string, args: SqlArguments = {}): DataFrame {
    this.checkOpen();
    checkArgument("sql()", "query", query, text);
    checkArgument("sql()", "args", args, sqlArguments);
    const plan = sqlPlan(this.client, relations.sqlText(query, args, this));
    const used = this.#unused.add(statementText(query));
    const source: PlanSource = (...options) => {
      used();
      return plan(...options);
    };
    return new DataFrame(this, source);
  }

  /** Runs a command, such as CREATE or INSERT. @param args as those of {@link sql} */
  async execute(query: string, args: SqlArguments = {}, options: RunOptions = {}): Promise<void> {
    checkRunOptions(options, "execute()");
    await this.sql(query, args).execute(options);
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
    const relType = relations.range(BigInt(start), BigInt(end), BigInt(step), numPartitions);
    return new DataFrame(this, async () => ({ relType }));
  }

  /** Reads files and other sources. */
  get read(): DataFrameReader<DataFrame> {
    this.checkOpen();
    return new DataFrameReader((relType) => new DataFrame(this, async () => ({ relType })));
  }

  /** What there is to query: tables, databases, columns. */
  get catalog(): Catalog {
    this.checkOpen();
    return new Catalog(
      async <T>(value: Question, options: RunOptions) => {
        const frame = new DataFrame(this, async () => ({ relType: { case: "catalog", value: { catType: value } } }));
        return await frame.collect<T>(options);
      },
      async (value, options) => {
        const relType = { case: "catalog" as const, value: { catType: value } };
        await this.client.command({ opType: { case: "root", value: { relType } } }, options);
      },
    );
  }

  /**
   * A DataFrame of what is in memory: row objects, an apache-arrow Table, or record batches. Nothing is sent before its first
   * use; then all rows are checked, and uploaded once per session, or sent with each query if they have less than 1 MiB.
   * Do not change the rows before. Memory: 64 MiB at most, beside what is there.
   *
   * ```ts
   * spark.createDataFrame([{ id: 1n, name: "Ada" }], { schema: "id BIGINT, name STRING" });
   * ```
   *
   * @throws SparkStreamError INVALID_ARGUMENT for other data, and if there is neither a row nor a schema; UNSUPPORTED_TYPE for a
   *   column that Spark cannot take, SCHEMA_MISMATCH for one that the schema has otherwise. At its first use: INVALID_INPUT
   *   for a value that does not fit, MESSAGE_TOO_LARGE for more bytes than the server takes, UNSUPPORTED if it takes no
   *   uploads
   */
  createDataFrame(data: LocalData, options: CreateDataFrameOptions = {}): DataFrame {
    this.checkOpen();
    return new DataFrame(this, createdRelation(this.client, data, options));
  }

  /**
   * A DataFrame whose rows are those of a stream: of record batches, or of row objects. They go to Spark with the frame's first use, into
   * checkpoints (Spark 4.0), through the driver or past it (`delivery`): the frame can be used as often as one likes, until
   * `unpersist()`, or the session's end. With `once` the query itself fetches them, without a copy.
   *
   * @throws SparkStreamError INVALID_ARGUMENT; INVALID_INPUT for a stream that was read before. At the first use: those of
   *   `sparkWriter()`, and the source's own. With `once`: INPUT_LOST if Spark wants rows again, or the source fails
   */
  fromStream(source: StreamInput, options: FromStreamOptions = {}): DataFrame {
    this.checkOpen();
    return this.results.fromStream(this, source, options) as DataFrame;
  }

  /** Interrupts all that runs in the session. Resolves to the ids of the operations. */
  interruptAll(options?: CallOptions): Promise<string[]> {
    return this.#interrupt("all", options, "interruptAll()");
  }

  /**
   * Interrupts the operations that were started with this tag. Queries with settings of their own are found by the session object that
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
    what: Parameters<SparkConnectClient["interrupt"]>[0],
    options: CallOptions = {},
    call: string,
  ): Promise<string[]> {
    checkCallOptions(options, call);
    const inClones = [...this.#querySessions.clones].map(({ client }) =>
      client.interrupt(what, options).catch(() => []),
    ); // it ends just now
    const ids = await Promise.all([this.client.interrupt(what, options), ...inClones]);
    return ids.flat();
  }

  /** @internal Runs a query in a session that has these settings; see QuerySessions.use. */
  async withQuerySession<T>(
    dataFrame: DataFrame,
    { conf, usesPython }: QuerySessionUse,
    use: (session: QuerySession<SparkSession>) => Promise<T>,
  ): Promise<T> {
    const { [CODEC_CONF]: codec = "none" } = conf;
    if (codec !== "none" && !(await this.client.limits()).compression) {
      const message = `The server does not compress record batches; Spark does since 4.1. Leave out compression: ${JSON.stringify(codec)}.`;
      throw new SparkStreamError("UNSUPPORTED", message);
    }
    const lacking = Object.entries(conf).filter(([key, value]) => this.#own[key] !== value);
    const analyze = () => dataFrame.sparkSchema();
    if (this.#settingsRefused) return await this.#querySessions.use(analyze, { conf: {} }, use);
    try {
      return await this.#querySessions.use(analyze, { conf: Object.fromEntries(lacking), usesPython }, use);
    } catch (error) {
      if (!isSettingsRefusal(error)) throw error;
      if (codec !== "none") {
        const message = `The server does not let settings be changed, and so not the codec (${error.message}). Leave out compression: ${JSON.stringify(codec)}.`;
        throw new SparkStreamError("UNSUPPORTED", message, { cause: error });
      }
      // Batches of another size than was asked for are cut here; see IpcDecoder.
      this.#settingsRefused = true;
      return await this.#querySessions.use(analyze, { conf: {} }, use);
    }
  }

  async #clone(conf: QueryConf, onClose: (clone: SparkSession) => void): Promise<SparkSession | undefined> {
    const client = await this.client.clone();
    if (!client) return undefined;
    const clone: SparkSession = new SparkSession(client, this.results, async () => onClose(clone), {
      ...this.#own,
      ...conf,
    });
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

  /**
   * Ends the session and all that runs in it; a local Spark that was started for it ends too. With `keepSession` the session
   * stays for others, and what this client runs in it ends. May be called twice.
   */
  close(): Promise<void> {
    this.#unused.warn();
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const ending = [...this.#beforeClose].map((callback) => callback());
    const ended = Promise.allSettled([...ending, this.client.stopped()]).then(() => this.#querySessions.close());
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
  beforeClose(callback: () => Promise<void>): () => void {
    this.#beforeClose.add(callback);
    return () => void this.#beforeClose.delete(callback);
  }

  /** PySpark's name for {@link close}. */
  stop(): Promise<void> {
    return this.close();
  }

  /** @internal Gives up a session that was never opened. Nothing is sent: the server may not be there. */
  async abandon(): Promise<void> {
    this.client.abandon();
    await this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** @internal Frames of one session, in order. Halves of halves, since a plan must not be nested as deeply as there may be frames. */
export function unionOf(frames: readonly DataFrame[]): DataFrame {
  if (frames.length === 1) return frames[0]!;
  const half = frames.length >> 1;
  return unionOf(frames.slice(0, half)).union(unionOf(frames.slice(half)));
}

/** How `show()` prints: texts are cut after `truncate` characters (20; 0: never), `vertical` has a line per value. */
export interface ShowOptions extends RunOptions {
  truncate?: number;
  vertical?: boolean;
}

const showOptions: OptionTable<ShowOptions> = { ...runOptions, truncate: rowCount, vertical: flag };

/** What `explain()` shows: the physical plan, all plans, generated code, statistics, or a formatted plan. */
export type ExplainMode = "simple" | "extended" | "codegen" | "cost" | "formatted";

const explainModes: Readonly<Record<ExplainMode, Mode>> = {
  simple: Mode.SIMPLE,
  extended: Mode.EXTENDED,
  codegen: Mode.CODEGEN,
  cost: Mode.COST,
  formatted: Mode.FORMATTED,
};

/**
 * A query that has not run: a plan, on a session. Every method gives a new DataFrame; nothing is sent before the result,
 * the schema or a count is asked for. Expressions are SQL text, as in Spark's `selectExpr`.
 */
export class DataFrame extends Transformations {
  readonly session: SparkSession;

  /** @internal Made by a session or another DataFrame. */
  constructor(session: SparkSession, plan: PlanSource, depth = 0) {
    super(plan, depth);
    this.session = session;
  }

  /** Makes it known to SQL by this name, until the session ends. */
  async createOrReplaceTempView(name: string, options: RunOptions = {}): Promise<void> {
    checkArgument("createOrReplaceTempView()", "name", name, filled);
    checkRunOptions(options, "createOrReplaceTempView()");
    const input = await this.relation(options);
    const command = { commandType: { case: "createDataframeView" as const, value: { input, name, replace: true } } };
    await this.session.client.command({ opType: { case: "command", value: command } }, options);
  }

  /**
   * The schema as Spark will send it. Nothing runs for it, unless the DataFrame is a SQL command.
   *
   * @throws SparkStreamError QUERY_FAILED if the query does not hold together; UNSUPPORTED for a type that Arrow lacks
   */
  async schema(options: RunOptions = {}): Promise<Schema> {
    checkRunOptions(options, "schema()");
    const [schema, settings] = await Promise.all([
      this.sparkSchema(options),
      arrowSettings(this.session.client, options),
    ]);
    return arrowSchema(schema, settings);
  }

  /** @internal The schema in Spark's own types. */
  async sparkSchema(options: RunOptions = {}): Promise<DataType | undefined> {
    const plan = await this.#rootPlan(options);
    return (await this.session.client.analyze({ case: "schema", value: { plan } }, callOf(options))).schema;
  }

  /** @internal Whether it reads from a source that never ends. */
  async isStreaming(options: RunOptions = {}): Promise<boolean> {
    const plan = await this.#rootPlan(options);
    return (await this.session.client.analyze({ case: "isStreaming", value: { plan } }, callOf(options))).isStreaming;
  }

  /** How many rows there are, counted by Spark. */
  async count(options: RunOptions = {}): Promise<number> {
    checkRunOptions(options, "count()");
    const counted = this.groupBy().agg("count(1) AS rows");
    const frameWith = (metric?: string) => (metric ? counted.observe(metric, "max(rows) AS rows") : counted);
    return await countRows((metric) => frameWith(metric).execution(options), options.signal);
  }

  /**
   * The rows, as a core Readable of objects. The query starts at once, and stops when the stream is destroyed.
   *
   * @param options those of `sparkStream()` and of `rows()`
   * @throws SparkStreamError as `sparkStream()` and `rows()`
   */
  rows<T = Row>(options: RowsOfOptions = {}): DataFrameRows<T> {
    return this.session.results.rows(this, options) as DataFrameRows<T>;
  }

  /** PySpark's name for {@link rows}. */
  toLocalIterator<T = Row>(options: RowsOfOptions = {}): DataFrameRows<T> {
    return this.rows<T>(options);
  }

  /**
   * All rows, for results that fit into memory.
   *
   * @throws SparkStreamError RESULT_TOO_LARGE for more than `maxBytes` of Arrow data; and as {@link rows}
   */
  async collect<T = Row>(options: CollectOptions = {}): Promise<T[]> {
    return (await this.session.results.collect(this, options)) as T[];
  }

  /** The first row; undefined if there is none. */
  async first<T = Row>(options: CollectOptions = {}): Promise<T | undefined> {
    return (await this.take<T>(1, options))[0];
  }

  /** The first rows. */
  async take<T = Row>(count: number, options: CollectOptions = {}): Promise<T[]> {
    checkArgument("take()", "count", count, rowCount);
    return await this.limit(count).collect<T>(options);
  }

  /** The last rows. */
  async tail<T = Row>(count: number, options: CollectOptions = {}): Promise<T[]> {
    checkArgument("tail()", "count", count, rowCount);
    const last = this.derive((input) => ({ case: "tail", value: { input, limit: count } }));
    return await last.collect<T>(options);
  }

  /** Whether there is no row. */
  async isEmpty(options: RunOptions = {}): Promise<boolean> {
    checkRunOptions(options, "isEmpty()");
    return (await this.select().take(1, options)).length === 0;
  }

  /** All rows as an apache-arrow Table. @throws SparkStreamError as {@link collect} */
  async toTable(options: ToTableOptions = {}): Promise<Table> {
    return await this.session.results.toTable(this, options);
  }

  /** The first rows as Spark prints them: a table of text. */
  async showString(count = 20, options: ShowOptions = {}): Promise<string> {
    checkArgument("showString()", "count", count, rowCount);
    checkOptions("showString()", options, showOptions);
    const { truncate = 20, vertical = false, ...others } = options;
    const shown = this.derive((input) => ({
      case: "showString",
      value: { input, numRows: count, truncate, vertical },
    }));
    const [row] = await shown.collect(others);
    return String(Object.values(row ?? {})[0] ?? "");
  }

  /** Prints {@link showString} on standard output. */
  async show(count = 20, options: ShowOptions = {}): Promise<void> {
    console.log(await this.showString(count, options));
  }

  /** The names of the columns. */
  async columns(options: RunOptions = {}): Promise<string[]> {
    checkRunOptions(options, "columns()");
    return (await this.#fields(options)).map(({ name }) => name);
  }

  /** Names and types of the columns: `[["id", "bigint"], ["tags", "array<string>"]]`. */
  async dtypes(options: RunOptions = {}): Promise<[name: string, type: string][]> {
    checkRunOptions(options, "dtypes()");
    return (await this.#fields(options)).map(({ name, dataType }) => [name, dataType ? typeName(dataType) : "unknown"]);
  }

  /** Prints the schema as a tree, on standard output. */
  async printSchema(options: RunOptions = {}): Promise<void> {
    checkRunOptions(options, "printSchema()");
    const plan = await this.#rootPlan(options);
    const tree = await this.session.client.analyze({ case: "treeString", value: { plan } }, callOf(options));
    console.log(tree.treeString);
  }

  /** Has Spark keep its rows, in memory and on disk, from the next query on that computes them. Resolves to this. */
  async cache(options: RunOptions = {}): Promise<this> {
    checkRunOptions(options, "cache()");
    const relation = await this.relation(options);
    await this.session.client.analyze({ case: "persist", value: { relation } }, callOf(options));
    return this;
  }

  /** PySpark's other name for {@link cache}. */
  persist(options: RunOptions = {}): Promise<this> {
    return this.cache(options);
  }

  /** Has Spark forget the rows that it kept. Resolves to this. */
  async unpersist(options: RunOptions = {}): Promise<this> {
    checkRunOptions(options, "unpersist()");
    const relation = await this.relation(options);
    await this.session.client.analyze({ case: "unpersist", value: { relation } }, callOf(options));
    return this;
  }

  /** Spark's plan for it, as text. */
  async explain(mode: ExplainMode = "simple", options: RunOptions = {}): Promise<string> {
    checkRunOptions(options, "explain()");
    checkKnown("explain mode", "", mode, Object.keys(explainModes));
    const plan = await this.#rootPlan(options);
    const explain = { case: "explain" as const, value: { plan, explainMode: explainModes[mode] } };
    return (await this.session.client.analyze(explain, callOf(options))).explainString;
  }

  /** Writes it where Spark can: a table, or files that the executors reach. */
  get write(): DataFrameWriter {
    return new DataFrameWriter(async (operation, options) => {
      const value = { ...operation, input: await this.relation(options) };
      const command = { commandType: { case: "writeOperation" as const, value } };
      await this.session.client.command({ opType: { case: "command", value: command } }, options);
    });
  }

  /** Runs it for its effect and drops the rows: for SQL commands such as CREATE or INSERT. */
  async execute(options: RunOptions = {}): Promise<void> {
    checkRunOptions(options, "execute()");
    await this.session.client.command(await this.#rootPlan(options), options);
  }

  /** @internal The query, ready to run. The signal ends commands that have to run first; `close()` ends the execution. */
  async execution(options: RunOptions = {}): Promise<Execution> {
    return this.session.client.execution(await this.#rootPlan(options), options);
  }

  /** @internal Another DataFrame of the session. */
  override withPlan(plan: PlanSource, depth = this.depth): this {
    return new DataFrame(this.session, plan, depth) as this;
  }

  /** @internal The same query in a clone of its session. */
  in(session: SparkSession): DataFrame {
    if (session === this.session) return this;
    return new DataFrame(session, (options) => this.relation(options), this.depth);
  }

  async #fields(options: RunOptions) {
    const schema = await this.sparkSchema(options);
    return schema?.kind.case === "struct" ? schema.kind.value.fields : [];
  }

  async #rootPlan(options: RunOptions) {
    return { opType: { case: "root" as const, value: await this.relation(options) } };
  }

  /** @internal */
  protected override checkSession(other: this): void {
    if (other.session === this.session) return;
    throw new SparkStreamError("INVALID_ARGUMENT", "The two DataFrames belong to different sessions.");
  }
}

/** The options of a call that runs nothing, and so has no tags. */
function callOf({ signal }: RunOptions): CallOptions {
  return { signal };
}
