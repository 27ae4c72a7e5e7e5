/** What makes a DataFrame of others: each method adds a relation to the plan, and nothing is sent. */
import { SparkStreamError } from "../../errors.js";
import {
  checkArgument,
  checkArguments,
  checkKnown,
  filled,
  flag,
  INT_MAX,
  isBag,
  isText,
  text,
  whole,
} from "../../runtime/check-options.js";
import { columnNames, dataFrame, dataFrameMark, partitionCount, rowCount } from "./arguments.js";
import type { JoinHow } from "./join-how.js";
import { bound, splitArguments } from "./parameters.js";
import type { PlanSource, RelationInit } from "./plan.js";
import { sortOrder, sqlExpression } from "./plan.js";
import * as relations from "./relations.js";
import type { NamedArguments } from "./sql-arguments.js";

/** Expressions of SQL text; after them, perhaps, the values of their parameters `:name`. */
export type Expressions = readonly [...string[], NamedArguments] | readonly string[];

type Combine = (left: RelationInit, right: RelationInit) => RelationInit["relType"];

/** What `groupBy()` gives. */
export interface Grouped<F> {
  /** One row per group, with these aggregates. */
  agg(...aggregates: Expressions): F;
}

const fraction = [
  (value: unknown) => typeof value === "number" && value >= 0 && value <= 1,
  "a number from 0 to 1",
] as const;
const newNames = [
  (names: unknown) => isBag(names) && Object.values(names as object).every(isText),
  "an object { name: new name }",
] as const;

export abstract class Transformations {
  /** @internal */
  readonly [dataFrameMark] = true;
  readonly #plan: PlanSource;
  /** @internal Calls that the plan is made of, one on another. */
  protected readonly depth: number;

  /** @internal */
  protected constructor(plan: PlanSource, depth: number) {
    checkDepth(depth);
    this.#plan = plan;
    this.depth = depth;
  }

  /** @internal Another DataFrame of the session. */
  abstract withPlan(plan: PlanSource, depth?: number): this;

  /** @internal @throws SparkStreamError INVALID_ARGUMENT for a DataFrame of another session */
  protected abstract checkSession(other: this): void;

  /** @internal What has to run for it has these tags, and ends with the signal. */
  relation(options: Parameters<PlanSource>[0]): Promise<RelationInit> {
    return this.#plan(options);
  }

  /** The columns given by these expressions: `df.select("id", "price * :rate AS gross", "*", { rate: 1.2 })`. */
  select(...expressions: Expressions): this {
    return this.#expressions("select()", expressions, relations.project);
  }

  /** PySpark's name for {@link select} of expressions. */
  selectExpr(...expressions: Expressions): this {
    return this.#expressions("selectExpr()", expressions, relations.project);
  }

  /** The rows for which a condition holds: `df.where("city = :city", { city })`. */
  where(condition: string, args?: NamedArguments): this {
    return this.#condition("where()", condition, args);
  }

  /** PySpark's other name for {@link where}. */
  filter(condition: string, args?: NamedArguments): this {
    return this.#condition("filter()", condition, args);
  }

  /** One more column, or another value for the column of that name. */
  withColumn(name: string, expression: string, args?: NamedArguments): this {
    checkArgument("withColumn()", "name", name, text);
    checkArgument("withColumn()", "expression", expression, filled);
    checkNamed("withColumn()", args);
    return this.#bound("withColumn()", [expression], args, (input, [bound]) =>
      relations.withColumns(input, [[name, bound!]]),
    );
  }

  /** Several at once: `df.withColumns({ gross: "price * 1.2", day: "date(at)" })`. */
  withColumns(columns: Readonly<Record<string, string>>, args?: NamedArguments): this {
    checkArgument("withColumns()", "columns", columns, newNames);
    checkNamed("withColumns()", args);
    const names = Object.keys(columns);
    return this.#bound("withColumns()", Object.values(columns), args, (input, bound) =>
      relations.withColumns(
        input,
        names.map((name, index) => [name, bound[index]!]),
      ),
    );
  }

  /** Names that are not there are passed over. */
  withColumnRenamed(name: string, newName: string): this {
    checkArgument("withColumnRenamed()", "name", name, text);
    checkArgument("withColumnRenamed()", "newName", newName, text);
    return this.derive((input) => relations.renameColumns(input, { [name]: newName }));
  }

  /** `{ name: new name }`; names that are not there are passed over. */
  withColumnsRenamed(names: Readonly<Record<string, string>>): this {
    checkArgument("withColumnsRenamed()", "names", names, newNames);
    return this.derive((input) => relations.renameColumns(input, names));
  }

  /** Without these columns; names that are not there are passed over. */
  drop(...columnNames: string[]): this {
    checkArguments("drop()", "columnNames", columnNames, text);
    return this.derive((input) => ({ case: "drop", value: { input, columnNames } }));
  }

  /** With other column names, by position: as many as there are columns. */
  toDF(...columnNames: string[]): this {
    checkArguments("toDF()", "columnNames", columnNames, text);
    return this.derive((input) => ({ case: "toDf", value: { input, columnNames } }));
  }

  limit(rows: number): this {
    checkArgument("limit()", "rows", rows, rowCount);
    return this.derive((input) => ({ case: "limit", value: { input, limit: rows } }));
  }

  offset(rows: number): this {
    checkArgument("offset()", "rows", rows, rowCount);
    return this.derive((input) => ({ case: "offset", value: { input, offset: rows } }));
  }

  /** Each row once. */
  distinct(): this {
    return this.derive((input) => ({ case: "deduplicate", value: { input, allColumnsAsKeys: true } }));
  }

  /** One row, whichever, of those that have the same values in these columns; in all columns, without names. */
  dropDuplicates(...columnNames: string[]): this {
    checkArguments("dropDuplicates()", "columnNames", columnNames, text);
    if (columnNames.length === 0) return this.distinct();
    return this.derive((input) => ({ case: "deduplicate", value: { input, columnNames } }));
  }

  /**
   * Some of the rows, at random.
   *
   * @param fractionOfRows of all rows, on average: 0.1 for a tenth
   * @param seed the same seed takes the same rows, if the frame has the same order each time
   */
  sample(fractionOfRows: number, seed: number = Math.floor(Math.random() * INT_MAX)): this {
    checkArgument("sample()", "fraction", fractionOfRows, fraction);
    checkArgument("sample()", "seed", seed, whole(0, INT_MAX));
    const value = { lowerBound: 0, upperBound: fractionOfRows, withReplacement: false, seed: BigInt(seed) };
    return this.derive((input) => ({ case: "sample", value: { ...value, input } }));
  }

  /** Sorted by what SQL's ORDER BY takes: `df.orderBy("city", "price DESC NULLS LAST")`. */
  orderBy(...orders: Expressions): this {
    return this.#sorted("orderBy()", orders, true);
  }

  /** PySpark's other name for {@link orderBy}. */
  sort(...orders: Expressions): this {
    return this.#sorted("sort()", orders, true);
  }

  /** Each partition sorted by what SQL's ORDER BY takes. */
  sortWithinPartitions(...orders: Expressions): this {
    return this.#sorted("sortWithinPartitions()", orders, false);
  }

  /** Into `numPartitions` partitions; with expressions, rows of equal values go to the same partition. */
  repartition(numPartitions: number, ...expressions: string[]): this {
    checkArgument("repartition()", "numPartitions", numPartitions, partitionCount);
    checkArguments("repartition()", "expressions", expressions, filled);
    return this.derive((input) => relations.repartition(input, numPartitions, expressions));
  }

  /** In `numPartitions` partitions at most, made of whole ones without moving rows between executors. */
  coalesce(numPartitions: number): this {
    checkArgument("coalesce()", "numPartitions", numPartitions, partitionCount);
    return this.derive((input) => ({ case: "repartition", value: { input, numPartitions, shuffle: false } }));
  }

  /** The rows of both, columns matched by position, duplicates kept (UNION ALL). */
  union(other: this): this {
    return this.#set("union()", other, relations.unionAll);
  }

  /**
   * The rows of both, columns matched by name, duplicates kept.
   *
   * @param allowMissingColumns columns that one of the two lacks are null there. Default: false.
   */
  unionByName(other: this, allowMissingColumns = false): this {
    checkArgument("unionByName()", "allowMissingColumns", allowMissingColumns, flag);
    return this.#set("unionByName()", other, (left, right) => relations.unionByName(left, right, allowMissingColumns));
  }

  /** The rows that are in both, each once (INTERSECT). */
  intersect(other: this): this {
    return this.#set("intersect()", other, relations.intersect);
  }

  /** The rows that are not in the other, each once (EXCEPT). PySpark's `subtract`. */
  except(other: this): this {
    return this.#set("except()", other, relations.except);
  }

  /** Every row of this with every row of the other. */
  crossJoin(other: this): this {
    return this.#set("crossJoin()", other, (left, right) => relations.join(left, right, [], undefined, "cross"));
  }

  /**
   * Joined with another.
   *
   * @param on the name of a column that both have, or an array of such names, each of which comes once; or a condition, with
   *   `{ on: "a.id = b.trip" }`, on frames with an {@link alias}
   * @param how Default: "inner".
   */
  join(other: this, on: string | readonly string[] | JoinCondition, how: JoinHow = "inner"): this {
    checkArgument("join()", "other", other, dataFrame);
    checkArgument("join()", "on", on, joinOn);
    this.checkSession(other);
    checkKnown("join type", "", how, Object.keys(relations.joinTypes));
    if (typeof on === "object" && "on" in on) {
      checkNamed("join()", on.args);
      const { expressions, with: withColumns, without } = bound("join()", [on.on], on.args);
      return this.combine(
        other,
        (left, right) => {
          const joined = { relType: relations.join(withColumns(left), right, [], expressions[0], how) };
          return without(joined).relType;
        },
        3,
      );
    }
    const columns = typeof on === "string" ? [on] : [...on];
    return this.combine(other, (left, right) => relations.join(left, right, columns, undefined, how));
  }

  /** `df.groupBy("city").agg("count(*) AS trips", "avg(price)")`. Without expressions: one group of all rows. */
  groupBy(...groupings: string[]): Grouped<this> {
    checkArguments("groupBy()", "groupings", groupings, filled);
    return { agg: (...aggregates: Expressions) => this.#aggregated(groupings, aggregates) };
  }

  /** Aggregates of all rows: `df.agg("max(price)", "count(*) AS trips")`. */
  agg(...aggregates: Expressions): this {
    return this.#aggregated([], aggregates);
  }

  /**
   * Counts while the rows pass by: aggregates as SQL text, whose values are in `stream.metrics.observed[name]` when the stream
   * has ended. `df.observe("check", "count(*) AS rows", "max(price) AS dearest")`.
   */
  observe(name: string, ...aggregates: string[]): this {
    checkArgument("observe()", "name", name, filled);
    checkArguments("observe()", "aggregates", aggregates, filled);
    return this.derive((input) => relations.collectMetrics(input, name, aggregates));
  }

  /** Under a name that expressions can qualify columns with. */
  alias(name: string): this {
    checkArgument("alias()", "name", name, filled);
    return this.derive((input) => ({ case: "subqueryAlias", value: { input, alias: name } }));
  }

  /** Advice to Spark's optimizer: `df.hint("broadcast")`, `df.hint("repartition", "10")`. Unknown hints are ignored by Spark. */
  hint(name: string, ...parameters: string[]): this {
    checkArgument("hint()", "name", name, filled);
    checkArguments("hint()", "parameters", parameters, filled);
    return this.derive((input) => ({
      case: "hint",
      value: { input, name, parameters: parameters.map(sqlExpression) },
    }));
  }

  /** @internal One more relation on top, or several. (Not called `then`: a DataFrame must not pass for a promise.) */
  protected derive(build: (input: RelationInit) => RelationInit["relType"], relations = 1): this {
    const plan: PlanSource = async (options) => ({ relType: build(await this.#plan(options)) });
    return this.withPlan(plan, this.depth + relations);
  }

  /** @internal One more relation on top of two frames. */
  protected combine(other: this, build: Combine, relations = 1): this {
    const plan: PlanSource = async (options) => {
      const [left, right] = [await this.#plan(options), await other.#plan(options)];
      return { relType: build(left, right) };
    };
    return this.withPlan(plan, Math.max(this.depth, other.depth) + relations);
  }

  #set(of: string, other: this, build: Combine): this {
    checkArgument(of, "other", other, dataFrame);
    this.checkSession(other);
    return this.combine(other, build);
  }

  #condition(of: string, condition: string, args: NamedArguments | undefined): this {
    checkArgument(of, "condition", condition, filled);
    checkNamed(of, args);
    return this.#bound(of, [condition], args, (input, [expression]) => relations.filter(input, expression!));
  }

  #sorted(of: string, orders: Expressions, isGlobal: boolean): this {
    // The direction is not part of the expression.
    return this.#expressions(of, orders, (input, bound) => ({
      case: "sort",
      value: { input, order: bound.map(sortOrder), isGlobal },
    }));
  }

  #aggregated(groupings: readonly string[], aggregates: Expressions): this {
    return this.#expressions("agg()", aggregates, (input, bound) => relations.aggregate(input, groupings, bound));
  }

  #expressions(
    of: string,
    given: Expressions,
    build: (input: RelationInit, expressions: readonly string[]) => RelationInit["relType"],
  ): this {
    const [expressions, args] = splitArguments(of, given);
    return this.#bound(of, expressions, args, build);
  }

  #bound(
    of: string,
    given: readonly string[],
    args: NamedArguments | undefined,
    build: (input: RelationInit, expressions: readonly string[]) => RelationInit["relType"],
  ): this {
    const { expressions, with: withColumns, without } = bound(of, given, args);
    const made = (input: RelationInit) => without({ relType: build(withColumns(input), expressions) }).relType;
    return this.derive(made, args === undefined ? 1 : 3);
  }
}

/** What two frames are joined on, and the values of its parameters: `{ on: "a.id = b.id AND a.day = :day", args: { day } }`. */
export interface JoinCondition {
  readonly on: string;
  readonly args?: NamedArguments;
}

const joinOn = [
  (on: unknown) =>
    columnNames[0](on) || (isBag(on) && isText((on as JoinCondition).on) && (on as JoinCondition).on !== ""),
  "the name of a column, an array of such names, or { on: condition }",
] as const;

function checkNamed(of: string, args: NamedArguments | undefined): void {
  if (args !== undefined) checkArgument(of, "args", args, [isBag, "an object { name: value }"]);
}

/** Each call nests two messages, of which Spark reads 1,024 levels (spark.connect.grpc.marshallerRecursionLimit). */
const MAX_DEPTH = 500;

function checkDepth(depth: number): void {
  if (depth <= MAX_DEPTH) return;
  const advice = "Give several expressions to one call, or save what the first calls make as a table.";
  const message = `The DataFrame is a chain of more than ${MAX_DEPTH} calls, and Spark reads no deeper plan. ${advice}`;
  throw new SparkStreamError("INVALID_ARGUMENT", message);
}
