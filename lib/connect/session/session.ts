/**
 * SparkSession, DataFrame and DataFrameReader. They are one file since each of them makes the others; what they do not need
 * each other for is in files of their own.
 */
import { RecordBatch, type Schema, type Table } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { atMost } from "../../runtime/abort.js";
import { type CallOptions, checkCallOptions, checkRunOptions, type RunOptions } from "../../runtime/call-options.js";
import { checkArgument, checkArguments, checkKnown, filled, text } from "../../runtime/check-options.js";
import { SharedRun } from "../../runtime/shared-run.js";
import type { Execution } from "../execution/execution.js";
import { PROGRESS_CONF } from "../execution/stop-point.js";
import { type DataType, AnalyzePlanRequest_Explain_ExplainMode as Mode } from "../generated/spark-connect_pb.js";
import { SHORT_TIMEOUT } from "../rpc/call-policy.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";
import { CODEC_CONF } from "../rpc/stream-limits.js";
import {
  columnNames,
  dataFrame,
  dataFrameMark,
  long,
  step as longStep,
  tag as operationTag,
  partitionCount,
  rowCount,
  settings,
  settingValue,
  sqlArguments,
} from "./arguments.js";
import { arrowSchema } from "./arrow-schema.js";
import { arrowSettings } from "./arrow-settings.js";
import type { Capabilities } from "./capabilities.js";
import { confAccess, isSettingsRefusal, type RuntimeConf, runtimeConf } from "./conf.js";
import { ConfLock } from "./conf-lock.js";
import { countRows } from "./count.js";
import { DataFrameWriter } from "./dataframe-writer.js";
import { isBatches, localRelation } from "./local-relation.js";
import type { PlanSource, RelationInit } from "./plan.js";
import { type QueryConf, type QuerySession, QuerySessions } from "./query-session.js";
import type { JoinHow, ReadSource, SqlArguments } from "./relations.js";
import * as relations from "./relations.js";
import { sqlPlan, statementText } from "./sql.js";
import { UnusedCommands } from "./unused-commands.js";

/** ms of SHORT_TIMEOUT that are left for the release of the session. */
const RELEASE_TIMEOUT = 1_000;

/** A session on a Spark Connect server, made by `connect()`: it makes DataFrames, runs SQL and holds settings. */
export class SparkSession implements AsyncDisposable {
  /** @internal */
  readonly client: SparkConnectClient;
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
  constructor(client: SparkConnectClient, onClose: () => Promise<void> = async () => {}, own: QueryConf = {}) {
    this.client = client;
    this.#onClose = onClose;
    this.#own = own;
    this.#mayBeJoined = client.endpoint.sessionId !== undefined;
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
   * A query, or a command. A query runs when its result is asked for; a command (CREATE, INSERT, …) at its DataFrame's
   * first use, whatever that is. `await` does nothing: a DataFrame is not a promise. A process warning names a
   * command whose DataFrame was never used, when the session closes.
   *
   * @param args bound by the protocol, never put into the text
   * @throws SparkStreamError INVALID_ARGUMENT for a parameter that has no SQL type
   */
  sql(query: string, args: SqlArguments = {}): DataFrame {
    this.checkOpen();
    checkArgument("sql()", "query", query, text);
    checkArgument("sql()", "args", args, sqlArguments);
    const plan = sqlPlan(this.client, relations.sqlText(query, args));
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
    const relType = relations.range(BigInt(start), BigInt(end), BigInt(step), numPartitions);
    return new DataFrame(this, async () => ({ relType }));
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
    conf: QueryConf,
    use: (session: QuerySession<SparkSession>) => Promise<T>,
  ): Promise<T> {
    const { [CODEC_CONF]: codec = "none" } = conf;
    if (codec !== "none" && !(await this.client.limits()).compression) {
      const message = `The server does not compress record batches; Spark does since 4.1. Leave out compression: ${JSON.stringify(codec)}.`;
      throw new SparkStreamError("UNSUPPORTED", message);
    }
    const lacking = Object.entries(conf).filter(([key, value]) => this.#own[key] !== value);
    const analyze = () => dataFrame.sparkSchema();
    if (this.#settingsRefused) return await this.#querySessions.use(analyze, {}, use);
    try {
      return await this.#querySessions.use(analyze, Object.fromEntries(lacking), use);
    } catch (error) {
      if (!isSettingsRefusal(error)) throw error;
      if (codec !== "none") {
        const message = `The server does not let settings be changed, and so not the codec (${error.message}). Leave out compression: ${JSON.stringify(codec)}.`;
        throw new SparkStreamError("UNSUPPORTED", message, { cause: error });
      }
      // Batches of another size than was asked for are cut here; see IpcDecoder.
      this.#settingsRefused = true;
      return await this.#querySessions.use(analyze, {}, use);
    }
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
    return () => this.#beforeClose.delete(callback);
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

/** `spark.read.format("csv").option("header", true).load("…")`: each method gives a new reader. */
export class DataFrameReader {
  readonly #session: SparkSession;
  readonly #source: ReadSource;

  /** @internal Use `session.read`. */
  constructor(session: SparkSession, source: ReadSource = { options: {} }) {
    this.#session = session;
    this.#source = source;
  }

  /** The source's name: "parquet", "csv", "jdbc", "delta", … Default: the server's spark.sql.sources.default. */
  format(format: string): DataFrameReader {
    checkArgument("format()", "format", format, filled);
    return new DataFrameReader(this.#session, { ...this.#source, format });
  }

  option(key: string, value: string | number | boolean): DataFrameReader {
    checkArgument("option()", "key", key, filled);
    checkArgument("option()", "value", value, settingValue);
    return this.options({ [key]: value });
  }

  options(options: Readonly<Record<string, string | number | boolean>>): DataFrameReader {
    checkArgument("options()", "options", options, settings);
    const strings = Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)]));
    return new DataFrameReader(this.#session, { ...this.#source, options: { ...this.#source.options, ...strings } });
  }

  /** @param ddl as in CREATE TABLE: "id BIGINT, name STRING" */
  schema(ddl: string): DataFrameReader {
    checkArgument("schema()", "ddl", ddl, filled);
    return new DataFrameReader(this.#session, { ...this.#source, schema: ddl });
  }

  /** @param paths as the executors see them; none for a source that has none */
  load(...paths: string[]): DataFrame {
    checkArguments("load()", "paths", paths, filled);
    return this.#read(relations.readFiles(this.#source, paths));
  }

  parquet(...paths: string[]): DataFrame {
    return this.format("parquet").load(...paths);
  }

  csv(...paths: string[]): DataFrame {
    return this.format("csv").load(...paths);
  }

  json(...paths: string[]): DataFrame {
    return this.format("json").load(...paths);
  }

  /** A table or view by its name. */
  table(name: string): DataFrame {
    checkArgument("table()", "name", name, filled);
    return this.#read(relations.readTable(this.#source, name));
  }

  #read(relType: RelationInit["relType"]): DataFrame {
    return new DataFrame(this.#session, async () => ({ relType }));
  }
}

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
export class DataFrame {
  readonly session: SparkSession;
  /** @internal */
  readonly [dataFrameMark] = true;
  readonly #plan: PlanSource;
  /** Calls that the plan is made of, one on another. */
  readonly #depth: number;

  /** @internal Made by a session or another DataFrame. */
  constructor(session: SparkSession, plan: PlanSource, depth = 0) {
    checkDepth(depth);
    this.session = session;
    this.#plan = plan;
    this.#depth = depth;
  }

  /** The columns given by these expressions: `df.select("id", "price * 1.2 AS gross", "*")`. */
  select(...expressions: string[]): DataFrame {
    checkArguments("select()", "expressions", expressions, filled);
    return this.#then((input) => relations.project(input, expressions));
  }

  /** The rows for which a condition holds. */
  where(condition: string): DataFrame {
    checkArgument("where()", "condition", condition, filled);
    return this.#then((input) => relations.filter(input, condition));
  }

  /** One more column, or another value for the column of that name. */
  withColumn(name: string, expression: string): DataFrame {
    checkArgument("withColumn()", "name", name, text);
    checkArgument("withColumn()", "expression", expression, filled);
    return this.#then((input) => relations.withColumn(input, name, expression));
  }

  /** Without these columns; names that are not there are passed over. */
  drop(...columnNames: string[]): DataFrame {
    checkArguments("drop()", "columnNames", columnNames, text);
    return this.#then((input) => ({ case: "drop", value: { input, columnNames } }));
  }

  /** With other column names, by position: as many as there are columns. */
  toDF(...columnNames: string[]): DataFrame {
    checkArguments("toDF()", "columnNames", columnNames, text);
    return this.#then((input) => ({ case: "toDf", value: { input, columnNames } }));
  }

  limit(rows: number): DataFrame {
    checkArgument("limit()", "rows", rows, rowCount);
    return this.#then((input) => ({ case: "limit", value: { input, limit: rows } }));
  }

  offset(rows: number): DataFrame {
    checkArgument("offset()", "rows", rows, rowCount);
    return this.#then((input) => ({ case: "offset", value: { input, offset: rows } }));
  }

  /** Sorted by what SQL's ORDER BY takes: `df.orderBy("city", "price DESC NULLS LAST")`. */
  orderBy(...orders: string[]): DataFrame {
    checkArguments("orderBy()", "orders", orders, filled);
    return this.#then((input) => relations.sort(input, orders));
  }

  /** Into `numPartitions` partitions; with expressions, rows of equal values go to the same partition. */
  repartition(numPartitions: number, ...expressions: string[]): DataFrame {
    checkArgument("repartition()", "numPartitions", numPartitions, partitionCount);
    checkArguments("repartition()", "expressions", expressions, filled);
    return this.#then((input) => relations.repartition(input, numPartitions, expressions));
  }

  /** In `numPartitions` partitions at most, made of whole ones without moving rows between executors. */
  coalesce(numPartitions: number): DataFrame {
    checkArgument("coalesce()", "numPartitions", numPartitions, partitionCount);
    return this.#then((input) => ({ case: "repartition", value: { input, numPartitions, shuffle: false } }));
  }

  /** Each partition sorted by what SQL's ORDER BY takes. */
  sortWithinPartitions(...orders: string[]): DataFrame {
    checkArguments("sortWithinPartitions()", "orders", orders, filled);
    return this.#then((input) => relations.sort(input, orders, false));
  }

  /** The rows of both, columns matched by position, duplicates kept (UNION ALL). */
  union(other: DataFrame): DataFrame {
    checkArgument("union()", "other", other, dataFrame);
    this.#checkSession(other);
    return this.#with(other, relations.unionAll);
  }

  /**
   * Joined with another on columns that both have by these names; each of them comes once.
   *
   * @param how Default: "inner".
   */
  join(other: DataFrame, on: string | readonly string[], how: JoinHow = "inner"): DataFrame {
    checkArgument("join()", "other", other, dataFrame);
    checkArgument("join()", "on", on, columnNames);
    this.#checkSession(other);
    checkKnown("join type", "", how, Object.keys(relations.joinTypes));
    const columns = typeof on === "string" ? [on] : [...on];
    return this.#with(other, (left, right) => relations.join(left, right, columns, how));
  }

  /** `df.groupBy("city").agg("count(*) AS trips", "avg(price)")`. Without expressions: one group of all rows. */
  groupBy(...groupings: string[]): { agg(...aggregates: string[]): DataFrame } {
    checkArguments("groupBy()", "groupings", groupings, filled);
    return {
      agg: (...aggregates) => {
        checkArguments("agg()", "aggregates", aggregates, filled);
        return this.#then((input) => relations.aggregate(input, groupings, aggregates));
      },
    };
  }

  /**
   * Counts while the rows pass by: aggregates as SQL text, whose values are in `stream.metrics.observed[name]` when the stream
   * has ended. `df.observe("check", "count(*) AS rows", "max(price) AS dearest")`.
   */
  observe(name: string, ...aggregates: string[]): DataFrame {
    checkArgument("observe()", "name", name, filled);
    checkArguments("observe()", "aggregates", aggregates, filled);
    return this.#then((input) => relations.collectMetrics(input, name, aggregates));
  }

  /** Under a name that expressions can qualify columns with. */
  alias(name: string): DataFrame {
    checkArgument("alias()", "name", name, filled);
    return this.#then((input) => ({ case: "subqueryAlias", value: { input, alias: name } }));
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

  /** @internal What has to run for it has these tags, and ends with the signal. */
  relation(options: RunOptions): Promise<RelationInit> {
    return this.#plan(options);
  }

  /** @internal The query, ready to run. The signal ends commands that have to run first; `close()` ends the execution. */
  async execution(options: RunOptions = {}): Promise<Execution> {
    return this.session.client.execution(await this.#rootPlan(options), options);
  }

  /** @internal Another DataFrame of the session. */
  withPlan(plan: PlanSource, depth = this.#depth): DataFrame {
    return new DataFrame(this.session, plan, depth);
  }

  /** @internal The same query in a clone of its session. */
  in(session: SparkSession): DataFrame {
    return session === this.session ? this : new DataFrame(session, this.#plan, this.#depth);
  }

  async #rootPlan(options: RunOptions) {
    return { opType: { case: "root" as const, value: await this.relation(options) } };
  }

  #then(build: (input: RelationInit) => RelationInit["relType"]): DataFrame {
    const plan: PlanSource = async (options) => ({ relType: build(await this.#plan(options)) });
    return this.withPlan(plan, this.#depth + 1);
  }

  #with(other: DataFrame, build: (left: RelationInit, right: RelationInit) => RelationInit["relType"]): DataFrame {
    const plan: PlanSource = async (options) => {
      const [left, right] = [await this.#plan(options), await other.#plan(options)];
      return { relType: build(left, right) };
    };
    return this.withPlan(plan, Math.max(this.#depth, other.#depth) + 1);
  }

  #checkSession(other: DataFrame): void {
    if (other.session === this.session) return;
    throw new SparkStreamError("INVALID_ARGUMENT", "The two DataFrames belong to different sessions.");
  }
}

/** The options of a call that runs nothing, and so has no tags. */
function callOf({ signal }: RunOptions): CallOptions {
  return { signal };
}

/** Each call nests two messages, of which Spark reads 1,024 levels (spark.connect.grpc.marshallerRecursionLimit). */
const MAX_DEPTH = 500;

function checkDepth(depth: number): void {
  if (depth <= MAX_DEPTH) return;
  const advice = "Pass several expressions to one call, or save an intermediate result as a table.";
  const message = `The DataFrame is a chain of more than ${MAX_DEPTH} calls, and Spark reads no deeper plan. ${advice}`;
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}
