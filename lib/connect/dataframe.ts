import type { Schema } from "apache-arrow";
import { SparkStreamError } from "../errors.js";
import { arrowSchema } from "./arrow-schema.js";
import type { ExecuteOptions } from "./client.js";
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

  /** @internal Made by a session or another DataFrame. */
  constructor(session: SparkSession, plan: PlanSource) {
    this.session = session;
    this.#plan = plan;
  }

  /** The columns given by these expressions: `df.select("id", "price * 1.2 AS gross", "*")`. */
  select(...expressions: string[]): DataFrame {
    return this.#then((input) => ({
      case: "project",
      value: { input, expressions: expressions.map(sqlExpression) },
    }));
  }

  /** The rows for which a condition holds. */
  where(condition: string): DataFrame {
    return this.#then((input) => ({ case: "filter", value: { input, condition: sqlExpression(condition) } }));
  }

  /** One more column, or another value for the column of that name. */
  withColumn(name: string, expression: string): DataFrame {
    return this.#then((input) => ({
      case: "withColumns",
      value: { input, aliases: [{ name: [name], expr: sqlExpression(expression) }] },
    }));
  }

  /** Without these columns; names that are not there are passed over. */
  drop(...columnNames: string[]): DataFrame {
    return this.#then((input) => ({ case: "drop", value: { input, columnNames } }));
  }

  /** With other column names, by position: as many as there are columns. */
  toDF(...columnNames: string[]): DataFrame {
    return this.#then((input) => ({ case: "toDf", value: { input, columnNames } }));
  }

  limit(rows: number): DataFrame {
    return this.#then((input) => ({ case: "limit", value: { input, limit: rows } }));
  }

  offset(rows: number): DataFrame {
    return this.#then((input) => ({ case: "offset", value: { input, offset: rows } }));
  }

  /** Sorted by what SQL's ORDER BY takes: `df.orderBy("city", "price DESC NULLS LAST")`. */
  orderBy(...orders: string[]): DataFrame {
    return this.#then((input) => ({ case: "sort", value: { input, order: orders.map(sortOrder), isGlobal: true } }));
  }

  /** In so many partitions; with expressions, rows of equal values come into one partition. */
  repartition(numPartitions: number, ...expressions: string[]): DataFrame {
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
    this.#checkSession(other);
    const joinType = oneOf(joinTypes, how, "join type");
    const usingColumns = typeof on === "string" ? [on] : [...on];
    return this.#with(other, (left, right) => ({ case: "join", value: { left, right, joinType, usingColumns } }));
  }

  /** `df.groupBy("city").agg("count(*) AS trips", "avg(price)")`. Without expressions: one group of all rows. */
  groupBy(...groupings: string[]): { agg(...aggregates: string[]): DataFrame } {
    return {
      agg: (...aggregates) =>
        this.#then((input) => ({
          case: "aggregate",
          value: {
            input,
            groupType: GroupType.GROUPBY,
            groupingExpressions: groupings.map(sqlExpression),
            aggregateExpressions: aggregates.map(sqlExpression),
          },
        })),
    };
  }

  /**
   * Counts while the rows pass by: aggregates as SQL text, whose values are in `stream.metrics.observed[name]` when the stream
   * has ended. `df.observe("check", "count(*) AS rows", "max(price) AS dearest")`.
   */
  observe(name: string, ...aggregates: string[]): DataFrame {
    return this.#then((input) => ({
      case: "collectMetrics",
      value: { input, name, metrics: aggregates.map(sqlExpression) },
    }));
  }

  /** Under a name that expressions can qualify columns with. */
  alias(name: string): DataFrame {
    return this.#then((input) => ({ case: "subqueryAlias", value: { input, alias: name } }));
  }

  /** Makes it known to SQL by this name, until the session ends. */
  async createOrReplaceTempView(name: string): Promise<void> {
    const input = await this.relation();
    const command = { commandType: { case: "createDataframeView" as const, value: { input, name, replace: true } } };
    await this.session.client.command({ opType: { case: "command", value: command } });
  }

  /**
   * The schema as Spark will send it. Nothing runs for it, unless the DataFrame is a SQL command.
   *
   * @throws SparkStreamError QUERY_FAILED where the query does not hold together; UNSUPPORTED for a type that Arrow lacks
   */
  async schema(): Promise<Schema> {
    const { conf } = this.session;
    const [schema, timeZone, largeVarTypes] = await Promise.all([
      this.sparkSchema(),
      conf.get("spark.sql.session.timeZone"),
      conf.get("spark.sql.execution.arrow.useLargeVarTypes", "false"),
    ]);
    return arrowSchema(schema, { timeZone, largeVarTypes: largeVarTypes === "true" });
  }

  /** @internal The schema in Spark's own types. */
  async sparkSchema(): Promise<DataType | undefined> {
    return (await this.session.client.analyze({ case: "schema", value: { plan: await this.#rootPlan() } })).schema;
  }

  /** @internal Whether it reads from a source that never ends. */
  async isStreaming(): Promise<boolean> {
    const plan = await this.#rootPlan();
    return (await this.session.client.analyze({ case: "isStreaming", value: { plan } })).isStreaming;
  }

  /** How many rows there are, counted by Spark. */
  async count(): Promise<number> {
    return await countRows(this);
  }

  /** Spark's plan for it, as text. */
  async explain(mode: ExplainMode = "simple"): Promise<string> {
    const explainMode = oneOf(explainModes, mode, "explain mode");
    const plan = await this.#rootPlan();
    const result = await this.session.client.analyze({ case: "explain", value: { plan, explainMode } });
    return result.explainString;
  }

  /** Writes it where Spark can: a table, or files that the executors reach. */
  get write(): DataFrameWriter {
    return new DataFrameWriter(this);
  }

  /** Runs it for what it does and drops the rows: for SQL commands such as CREATE or INSERT. */
  async execute(): Promise<void> {
    await this.session.client.command(await this.#rootPlan());
  }

  /** @internal */
  relation(): Promise<RelationInit> {
    return this.#plan();
  }

  /** @internal The query, ready to be run. */
  async execution(options?: ExecuteOptions): Promise<Execution> {
    return this.session.client.execution(await this.#rootPlan(), options);
  }

  /** @internal Another DataFrame of the session. */
  withPlan(plan: PlanSource): DataFrame {
    return new DataFrame(this.session, plan);
  }

  /** @internal The same query in a clone of its session. */
  in(session: SparkSession): DataFrame {
    return session === this.session ? this : new DataFrame(session, this.#plan);
  }

  async #rootPlan() {
    return { opType: { case: "root" as const, value: await this.relation() } };
  }

  #then(build: (input: RelationInit) => RelationInit["relType"]): DataFrame {
    return this.withPlan(async () => ({ relType: build(await this.#plan()) }));
  }

  #with(other: DataFrame, build: (left: RelationInit, right: RelationInit) => RelationInit["relType"]): DataFrame {
    return this.withPlan(async () => {
      const [left, right] = [await this.#plan(), await other.#plan()];
      return { relType: build(left, right) };
    });
  }

  #checkSession(other: DataFrame): void {
    if (other.session === this.session) return;
    throw new SparkStreamError("INVALID_ARGUMENT", "The two DataFrames belong to different sessions.");
  }
}

function oneOf<T extends object>(table: T, key: keyof T, what: string): T[keyof T] {
  if (Object.hasOwn(table, key)) return table[key];
  const message = `${JSON.stringify(key)} is no ${what}: ${Object.keys(table).join(", ")}.`;
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}
