import type { Schema } from "apache-arrow";
import { type CallOptions, checkRunOptions, type RunOptions } from "../call-options.js";
import { SparkStreamError } from "../errors.js";
import { checkArgument, checkArguments, checkKnown, filled, text } from "../options.js";
import { columnNames, dataFrame, partitionCount, rowCount } from "./arguments.js";
import { arrowSchema } from "./arrow-schema.js";
import { countRows } from "./count.js";
import { DataFrameWriter } from "./dataframe-writer.js";
import type { Execution } from "./execution.js";
import { sortOrder, sqlExpression } from "./expression.js";
import {
  type DataType,
  Aggregate_GroupType as GroupType,
  Join_JoinType as JoinType,
  AnalyzePlanRequest_Explain_ExplainMode as Mode,
  SetOperation_SetOpType as SetOpType,
} from "./generated/spark-connect_pb.js";
import { dataFrameMark } from "./is-dataframe.js";
import type { PlanSource, RelationInit } from "./plan.js";
import type { SparkSession } from "./session.js";

const joinTypes = {
  inner: JoinType.INNER,
  cross: JoinType.CROSS,
  full: JoinType.FULL_OUTER,
  left: JoinType.LEFT_OUTER,
  right: JoinType.RIGHT_OUTER,
  semi: JoinType.LEFT_SEMI,
  anti: JoinType.LEFT_ANTI,
} as const;

export type JoinHow = keyof typeof joinTypes;

const explainModes = {
  simple: Mode.SIMPLE,
  extended: Mode.EXTENDED,
  codegen: Mode.CODEGEN,
  cost: Mode.COST,
  formatted: Mode.FORMATTED,
} as const;

export type ExplainMode = keyof typeof explainModes;

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
    return this.#then((input) => ({
      case: "project",
      value: { input, expressions: expressions.map(sqlExpression) },
    }));
  }

  /** The rows for which a condition holds. */
  where(condition: string): DataFrame {
    checkArgument("where()", "condition", condition, filled);
    return this.#then((input) => ({ case: "filter", value: { input, condition: sqlExpression(condition) } }));
  }

  /** One more column, or another value for the column of that name. */
  withColumn(name: string, expression: string): DataFrame {
    checkArgument("withColumn()", "name", name, text);
    checkArgument("withColumn()", "expression", expression, filled);
    return this.#then((input) => ({
      case: "withColumns",
      value: { input, aliases: [{ name: [name], expr: sqlExpression(expression) }] },
    }));
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
    return this.#then((input) => ({ case: "sort", value: { input, order: orders.map(sortOrder), isGlobal: true } }));
  }

  /** In so many partitions; with expressions, rows of equal values come into one partition. */
  repartition(numPartitions: number, ...expressions: string[]): DataFrame {
    checkArgument("repartition()", "numPartitions", numPartitions, partitionCount);
    checkArguments("repartition()", "expressions", expressions, filled);
    return this.#then((input) =>
      expressions.length === 0
        ? { case: "repartition", value: { input, numPartitions, shuffle: true } }
        : {
            case: "repartitionByExpression",
            value: { input, numPartitions, partitionExprs: expressions.map(sqlExpression) },
          },
    );
  }

  /** The rows of both, columns matched by position, duplicates kept (UNION ALL). */
  union(other: DataFrame): DataFrame {
    checkArgument("union()", "other", other, dataFrame);
    this.#checkSession(other);
    return this.#with(other, (leftInput, rightInput) => ({
      case: "setOp",
      value: { leftInput, rightInput, setOpType: SetOpType.UNION, isAll: true },
    }));
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
    const joinType = oneOf(joinTypes, how, "join type");
    const usingColumns = typeof on === "string" ? [on] : [...on];
    return this.#with(other, (left, right) => ({ case: "join", value: { left, right, joinType, usingColumns } }));
  }

  /** `df.groupBy("city").agg("count(*) AS trips", "avg(price)")`. Without expressions: one group of all rows. */
  groupBy(...groupings: string[]): { agg(...aggregates: string[]): DataFrame } {
    checkArguments("groupBy()", "groupings", groupings, filled);
    return {
      agg: (...aggregates) => {
        checkArguments("agg()", "aggregates", aggregates, filled);
        return this.#then((input) => ({
          case: "aggregate",
          value: {
            input,
            groupType: GroupType.GROUPBY,
            groupingExpressions: groupings.map(sqlExpression),
            aggregateExpressions: aggregates.map(sqlExpression),
          },
        }));
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
    return this.#then((input) => ({
      case: "collectMetrics",
      value: { input, name, metrics: aggregates.map(sqlExpression) },
    }));
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
   * @throws SparkStreamError QUERY_FAILED where the query does not hold together; UNSUPPORTED for a type that Arrow lacks
   */
  async schema(options: RunOptions = {}): Promise<Schema> {
    checkRunOptions(options, "schema()");
    const { conf } = this.session;
    const { signal } = options;
    const [schema, timeZone, largeVarTypes] = await Promise.all([
      this.sparkSchema(options),
      conf.get("spark.sql.session.timeZone", undefined, { signal }),
      conf.get("spark.sql.execution.arrow.useLargeVarTypes", "false", { signal }),
    ]);
    return arrowSchema(schema, { timeZone, largeVarTypes: largeVarTypes === "true" });
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
    return await countRows(this, options);
  }

  /** Spark's plan for it, as text. */
  async explain(mode: ExplainMode = "simple", options: RunOptions = {}): Promise<string> {
    checkRunOptions(options, "explain()");
    const explainMode = oneOf(explainModes, mode, "explain mode");
    const plan = await this.#rootPlan(options);
    const explain = { case: "explain" as const, value: { plan, explainMode } };
    return (await this.session.client.analyze(explain, callOf(options))).explainString;
  }

  /** Writes it where Spark can: a table, or files that the executors reach. */
  get write(): DataFrameWriter {
    return new DataFrameWriter(this);
  }

  /** Runs it for what it does and drops the rows: for SQL commands such as CREATE or INSERT. */
  async execute(options: RunOptions = {}): Promise<void> {
    checkRunOptions(options, "execute()");
    await this.session.client.command(await this.#rootPlan(options), options);
  }

  /** @internal What has to run for it has these tags, and ends with the signal. */
  relation(options: RunOptions): Promise<RelationInit> {
    return this.#plan(options);
  }

  /** @internal The query, ready to be run. The signal ends what has to run before; the execution is closed by `close()`. */
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

/** Of a call that runs nothing, and so has no tags. */
function callOf({ signal }: RunOptions): CallOptions {
  return { signal };
}

/** Each call nests two messages, of which Spark reads 1,024 levels (spark.connect.grpc.marshallerRecursionLimit). */
const MAX_DEPTH = 500;

function checkDepth(depth: number): void {
  if (depth <= MAX_DEPTH) return;
  const advice = "Give several expressions to one call, or save what the first calls make as a table.";
  const message = `The DataFrame is made of more than ${MAX_DEPTH} calls, one on another, and Spark reads no deeper plan. ${advice}`;
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}

function oneOf<T extends object>(table: T, key: keyof T & string, what: string): T[keyof T] {
  checkKnown(what, "", key, Object.keys(table));
  return table[key];
}
