/** The parts of a plan. There is no Column API: an expression is SQL text, which the server parses. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RunOptions } from "../../runtime/call-options.js";
import {
  type Expression_SortOrderSchema,
  type ExpressionSchema,
  Expression_SortOrder_NullOrdering as NullOrdering,
  type RelationSchema,
  Expression_SortOrder_SortDirection as SortDirection,
} from "../generated/spark-connect_pb.js";

/** @internal */
export type RelationInit = MessageInitShape<typeof RelationSchema>;

/**
 * @internal Makes a DataFrame's relation. It may have to ask the server: the relation of a SQL command is known once the command ran.
 * Whatever it runs there has these tags, and ends with the signal.
 */
export type PlanSource = (options: RunOptions) => Promise<RelationInit>;

/** What has a plan: a {@link DataFrame}. */
export interface Planned {
  /** @internal */
  relation(options: RunOptions): Promise<RelationInit>;
  readonly session: object;
}

/** @internal */
export type ExpressionInit = MessageInitShape<typeof ExpressionSchema>;

/** @internal Any SQL expression, with or without `AS name`. */
export function sqlExpression(expression: string): ExpressionInit {
  return { exprType: { case: "expressionString", value: { expression } } };
}

const ORDER = /^(.*?)(?:\s+(ASC|DESC))?(?:\s+NULLS\s+(FIRST|LAST))?\s*$/is;

/** @internal What ORDER BY takes: an expression, then ASC or DESC, then NULLS FIRST or NULLS LAST. Spark's defaults otherwise. */
export function sortOrder(text: string): MessageInitShape<typeof Expression_SortOrderSchema> {
  const [, expression = text, direction = "ASC", nulls] = ORDER.exec(text) ?? [];
  const descending = direction.toUpperCase() === "DESC";
  const first = nulls ? nulls.toUpperCase() === "FIRST" : !descending;
  return {
    child: sqlExpression(expression),
    direction: descending ? SortDirection.DESCENDING : SortDirection.ASCENDING,
    nullOrdering: first ? NullOrdering.SORT_NULLS_FIRST : NullOrdering.SORT_NULLS_LAST,
  };
}
