import { expect } from "chai";
import {
  Expression_SortOrder_SortDirection as Direction,
  Expression_SortOrder_NullOrdering as Nulls,
} from "../../lib/connect/generated/spark-connect_pb.js";
import { sortOrder } from "../../lib/connect/session/plan.js";

const ascending = { direction: Direction.ASCENDING, nullOrdering: Nulls.SORT_NULLS_FIRST };
const descending = { direction: Direction.DESCENDING, nullOrdering: Nulls.SORT_NULLS_LAST };
const first = { nullOrdering: Nulls.SORT_NULLS_FIRST };
const last = { nullOrdering: Nulls.SORT_NULLS_LAST };

describe("sortOrder", () => {
  const cases: [text: string, expression: string, order: object][] = [
    ["id", "id", ascending],
    ["id ASC", "id", ascending],
    ["id DESC", "id", descending],
    ["id desc", "id", descending],
    ["id NULLS LAST", "id", { ...ascending, ...last }],
    ["id ASC NULLS LAST", "id", { ...ascending, ...last }],
    ["id DESC NULLS FIRST", "id", { ...descending, ...first }],
    ["id desc  nulls\tlast ", "id", descending],
    ["a + b DESC", "a + b", descending],
    ["lower(name)\nDESC", "lower(name)", descending],
    ["CASE WHEN a THEN 1 END desc", "CASE WHEN a THEN 1 END", descending],
    ["desc", "desc", ascending],
    ["nulls", "nulls", ascending],
    ["t.desc", "t.desc", ascending],
    ["`x DESC`", "`x DESC`", ascending],
    ["concat(a, ' DESC')", "concat(a, ' DESC')", ascending],
    ["isdesc", "isdesc", ascending],
  ];
  for (const [text, expression, order] of cases) {
    it(`reads ${JSON.stringify(text)} as ORDER BY does`, () => {
      expect(sortOrder(text)).to.deep.equal({
        child: { exprType: { case: "expressionString", value: { expression } } },
        ...order,
      });
    });
  }
});
