/**
 * Rows within a plan, as a LocalRelation. In, rows; out, a relation, and the SQL that makes rows of it again if they are packed
 * (portions.ts). Nothing stays on the server, unlike with uploaded-relation.ts, and the rows are sent with each use.
 *
 * Memory: the rows, encoded.
 */

import type { RelationInit } from "../session/plan.js";
import * as relations from "../session/relations.js";
import type { LocalRows } from "./local-rows.js";
import { type PortionOptions, portions } from "./portions.js";

/** @returns undefined if the rows have more than `maxBytes`. @throws SparkStreamError as LocalRows; AbortError */
export async function planRelation(
  rows: LocalRows,
  options: PortionOptions,
  signal: AbortSignal | undefined,
): Promise<RelationInit | undefined> {
  const found: RelationInit[] = [];
  let size = 0;
  for await (const portion of portions(rows, options, signal)) {
    size += portion.size;
    if (size > options.maxBytes) return undefined;
    found.push({ relType: { case: "localRelation", value: { data: Buffer.concat(portion.pieces) } } });
  }
  return relations.unionOfAll(found);
}
