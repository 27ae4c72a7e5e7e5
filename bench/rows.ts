// Rows per second: rows() against apache-arrow's own `[...batch].map((row) => row.toJSON())`, on the same batches, in turn.
//
// npx tsx bench/rows.ts
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  type Data,
  Decimal,
  Field,
  Float64,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { rows } from "spark-arrow-stream";
import { summary } from "./stats.js";

const ROWS = 10_000;
const BATCHES = 30;
const ROUNDS = 5;

const numbers = Array.from({ length: ROWS }, (_, row) => row);
const columns = {
  id: vectorFromArray(numbers.map(BigInt), new Int64()),
  customer: vectorFromArray(
    numbers.map((row) => row % 5000),
    new Int32(),
  ),
  drift: vectorFromArray(numbers.map(Math.sin), new Float64()),
  note: vectorFromArray(
    numbers.map((row) => (row % 10 ? `trip ${row}` : null)),
    new Utf8(),
  ),
  fare: vectorFromArray(
    numbers.map((row) => Uint32Array.of(37 * row, 0, 0, 0)),
    new Decimal(2, 10),
  ),
  started: vectorFromArray(
    numbers.map((row) => 1_767_225_600_000 + 1000 * row),
    new TimestampMicrosecond("UTC"),
  ),
};
const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type, true));
const children = Object.values(columns).map((vector) => vector.data[0] as Data);
const data = makeData({ type: new Struct(fields), length: ROWS, nullCount: 0, children });
const batches = Array.from({ length: BATCHES }, () => new RecordBatch(new Schema(fields), data));

const contenders: Record<string, () => Promise<number>> = {
  async "toJSON()"() {
    let count = 0;
    for await (const batch of Readable.from(batches)) {
      for (const row of [...(batch as RecordBatch)].map((found) => found.toJSON())) if (row) count++;
    }
    return count;
  },
  async "rows(), for await"() {
    let count = 0;
    for await (const row of Readable.from(batches).pipe(rows())) if (row) count++;
    return count;
  },
  async "rows(), pipeline()"() {
    let count = 0;
    const sink = new Writable({
      objectMode: true,
      write(_row, _encoding, callback) {
        count++;
        callback();
      },
    });
    await pipeline(Readable.from(batches), rows(), sink);
    return count;
  },
  async "rows(), data events"() {
    let count = 0;
    const stream = Readable.from(batches).pipe(rows());
    stream.on("data", () => {
      count++;
    });
    await new Promise((resolve) => stream.once("end", resolve));
    return count;
  },
};

const rates = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(contenders)) {
    const start = performance.now();
    const count = await run();
    rates.get(name)!.push(count / (performance.now() - start) / 1000);
  }
}
const base = summary(rates.get("toJSON()")!).median;
for (const [name, found] of rates) {
  const { median } = summary(found);
  console.log(`${name.padEnd(22)} ${median.toFixed(2)} M rows/s, ${(median / base).toFixed(1)} x`);
}
