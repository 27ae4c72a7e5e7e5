/**
 * Parameters of expressions: `:name` in an expression is a column of one literal, which travels in the plan and is dropped
 * behind the expression. Values never become text.
 *
 *   df.where("city = :city", { city })  →  drop(where(withColumns(df, p0 = <literal>), "city = p0"), p0)
 *
 * The optimizer replaces such a column by its literal, so that filters reach the source as if they had been written there.
 * In `IN (:list)` an array stands for its elements, a column each.
 */
import { SparkStreamError } from "../../errors.js";
import { checkArguments, filled, isBag } from "../../runtime/check-options.js";
import { literal } from "./literal.js";
import type { ExpressionInit, RelationInit } from "./plan.js";
import type { NamedArguments, SqlParameter } from "./sql-arguments.js";

/** What is not looked into: texts, quoted names, comments; or a parameter, alone in `IN (…)` or not. */
const TOKEN =
  /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|(\bIN\s*\(\s*)?(?<![\w:)\]`])(:)(\w+)(\s*\))?/gi;

interface Column {
  readonly name: string;
  readonly value: ExpressionInit;
}

/** @internal Expressions whose parameters have become columns. */
export interface BoundExpressions {
  readonly expressions: readonly string[];
  /** The frame with the columns that the parameters became. */
  with(input: RelationInit): RelationInit;
  /** Without them. */
  without(input: RelationInit): RelationInit;
}

const identity = (input: RelationInit) => input;

/**
 * @internal @param of the call, as messages name it
 * @throws SparkStreamError INVALID_ARGUMENT for a parameter without a value, a value without its parameter, and a value that
 *   has no SQL type
 */
export function bound(of: string, expressions: readonly string[], args: NamedArguments | undefined): BoundExpressions {
  if (args === undefined) return { expressions, with: identity, without: identity };
  const columns: Column[] = [];
  const used = new Set<string>();
  const column = (name: string, value: SqlParameter) => {
    const made = { name: `spark_arrow_stream_p${columns.length}`, value: literalOf(name, value) };
    columns.push(made);
    return `\`${made.name}\``;
  };
  const texts = expressions.map((expression) =>
    expression.replace(TOKEN, (all, before: string | undefined, colon, name: string, after: string | undefined) => {
      if (colon === undefined) return all;
      if (!Object.hasOwn(args, name)) throw invalid(of, `has the parameter :${name}, and no value for it`);
      used.add(name);
      const value = args[name]!;
      const isList = before !== undefined && after !== undefined && Array.isArray(value);
      if (isList && value.length === 0) throw invalid(of, `has an empty array for IN (:${name})`);
      const names = isList ? value.map((element) => column(name, element)) : [column(name, value)];
      return `${before ?? ""}${names.join(", ")}${after ?? ""}`;
    }),
  );
  const unused = Object.keys(args).filter((name) => !used.has(name));
  if (unused.length > 0) throw invalid(of, `has a value for :${unused.join(", :")}, which its expressions do not name`);
  return {
    expressions: texts,
    with: (input) => ({
      relType: {
        case: "withColumns",
        value: { input, aliases: columns.map(({ name, value }) => ({ name: [name], expr: value })) },
      },
    }),
    without: (input) => ({ relType: { case: "drop", value: { input, columnNames: columns.map(({ name }) => name) } } }),
  };
}

function literalOf(name: string, value: SqlParameter): ExpressionInit {
  return { exprType: { case: "literal", value: literal(value, name) } };
}

function invalid(of: string, what: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `${of} ${what}.`);
}

/**
 * @internal Expressions, and the arguments that end them, if they are there.
 *
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function splitArguments(
  of: string,
  given: readonly (string | NamedArguments)[],
): [expressions: string[], args: NamedArguments | undefined] {
  const last = given.at(-1);
  const args = isBag(last) ? (last as NamedArguments) : undefined;
  const expressions = args === undefined ? given : given.slice(0, -1);
  checkArguments(of, "expressions", expressions, filled);
  return [expressions as string[], args];
}
