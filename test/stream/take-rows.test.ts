// Rows of a batch in any order: each must be what it was, whatever its type.
import { readFileSync } from "node:fs";
import { type RecordBatch, tableFromIPC, Vector } from "apache-arrow";
import { expect } from "chai";
import { takeRows } from "../../lib/arrow/take-rows.js";
import { columnsOf, plain } from "../support/ipc.js";
import { runPython } from "../support/python.js";
import { Random } from "../support/random.js";
import { arrowScript, directoryPerTest } from "../support/writers.js";

describe("takeRows", function () {
  this.timeout(300_000); // the first one installs pyarrow
  const directory = directoryPerTest();

  /** apache-arrow does not read all times; its message has the value. */
  function valueIn(column: Vector, row: number): unknown {
    try {
      return plain(column.get(row));
    } catch (error) {
      return (error as Error).message;
    }
  }

  function check(batch: RecordBatch, rows: Int32Array): void {
    const taken = takeRows(batch, rows);
    expect(taken.numRows).to.equal(rows.length);
    for (const [index, column] of columnsOf(taken).entries()) {
      const original = columnsOf(batch)[index]!;
      expect(`${column.type}`).to.equal(`${original.type}`);
      const expected = Array.from(rows, (row) => valueIn(original, row));
      expect(Array.from(rows, (_, row) => valueIn(column, row))).to.deep.equal(expected);
      expect(column.nullCount).to.equal(new Vector([column.data[0]!.clone()]).nullCount);
    }
  }

  for (const [script, args] of [
    ["spark_types", []],
    ["random_tables", ["11", "60"]],
    ["nested_columns", []],
  ] as const) {
    it(`keeps the values of ${script.replace("_", " ")}, of whole and of sliced batches`, async () => {
      const names = (await runPython(arrowScript(script), [directory.path(""), ...args])) as string[];
      const random = new Random(7);
      let checked = 0;
      for (const name of names) {
        const table = tableFromIPC(readFileSync(directory.path(`${name}.arrow`)));
        for (const whole of table.batches) {
          for (const batch of [whole, whole.slice(Math.min(3, whole.numRows))]) {
            if (batch.numRows === 0) continue;
            const rows = Int32Array.from({ length: random.below(40) }, () => random.below(batch.numRows));
            check(batch, rows);
            check(
              batch,
              Int32Array.from({ length: batch.numRows }, (_, row) => batch.numRows - 1 - row),
            );
            checked++;
          }
        }
      }
      expect(checked).to.be.above(30);
    });
  }
});
