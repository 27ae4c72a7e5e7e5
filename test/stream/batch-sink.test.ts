import { Int32, type RecordBatch, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import type { ArrowIpcRow } from "../../lib/chain/arrow-ipc-row.js";
import { SparkStreamError } from "../../lib/errors.js";
import { SparkStream } from "../../lib/spark-stream.js";
import { batchOf, collect, failureOf, ipcOf } from "../support/ipc.js";

const batchOfRows = (count: number) =>
  batchOf({
    id: vectorFromArray(
      Array.from({ length: count }, (_, id) => id),
      new Int32(),
    ),
  });

const row = (counts: number | number[], said: Partial<ArrowIpcRow> = {}): ArrowIpcRow => ({
  arrow_ipc_bytes: ipcOf(...[counts].flat().map(batchOfRows)),
  ...said,
});

/** A stream of what a Spark server sends: rows that say what is in them. */
function streamOf(...rows: ArrowIpcRow[]): SparkStream {
  return new SparkStream({ next: async () => rows.shift(), close: async () => {} }, { readAheadBytes: 1 });
}

const rowsOf = async (stream: SparkStream) => (await collect(stream)).map((batch: RecordBatch) => batch.numRows);

describe("The result of a query", () => {
  it("is whole where every row holds what it says, and begins where the one before it ended", async () => {
    const stream = streamOf(
      row(3, { rowCount: 3, startOffset: 0 }),
      row([2, 0, 1], { rowCount: 3, startOffset: 3 }),
      row(0, { rowCount: 0, startOffset: 6 }),
      row(1, { rowCount: 1, startOffset: 6 }),
    );
    expect(await rowsOf(stream)).to.deep.equal([3, 2, 0, 1, 0, 1]);
  });

  it("of a server that does not say where its rows belong is believed", async () => {
    expect(await rowsOf(streamOf(row(3, { rowCount: 3 }), row(2), row(1, { rowCount: 1 })))).to.deep.equal([3, 2, 1]);
  });

  const incomplete: [what: string, rows: ArrowIpcRow[], says: RegExp][] = [
    ["lacks rows", [row(2, { startOffset: 0 }), row(1, { startOffset: 3 })], /begin at 3, but 2 have arrived/],
    ["has rows twice", [row(2, { startOffset: 0 }), row(2, { startOffset: 0 })], /begin at 0, but 2 have arrived/],
    ["lacks its first rows", [row(2, { startOffset: 2 })], /begin at 2, but 0 have arrived/],
    [
      "has a batch of fewer rows than was said",
      [row(2), row(1, { rowCount: 2 })],
      /at row 2 should have 2 rows but has 1/,
    ],
    ["has a batch of more rows than was said", [row([2, 1], { rowCount: 2 })], /should have 2 rows but has 3/],
  ];
  for (const [what, rows, says] of incomplete) {
    it(`fails where it ${what}`, async () => {
      const error = await failureOf(collect(streamOf(...rows)));
      expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "INCOMPLETE_RESULT");
      expect(error.message).to.match(says);
    });
  }
});
