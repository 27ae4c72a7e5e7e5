/**
 * The event loop belongs to the program. rows() once handed out all that had been read ahead in one go: 600,000 rows, and
 * for two seconds no timer fired and no other request was answered. Each test here says how long others have to wait.
 */
import { PassThrough, Readable, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type DataType,
  Field,
  FixedSizeList,
  Float64,
  Int32,
  List,
  makeData,
  Null,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { expect } from "chai";
import { ArrowEncoder } from "../../lib/arrow/encode/arrow-encoder.js";
import { arrowWriter, csvWriter, ndjsonWriter, parquetWriter, rows, sparkStream } from "../../lib/index.js";
import { batchOf, type Row } from "../support/ipc.js";
import { cpuTime, observed, withClock } from "../support/turns.js";
import { failure } from "../support/writers.js";

const ROWS = 500;
const BATCHES = 4;

const numbers = (length: number) => Array.from({ length }, (_, index) => index);

/** Rows that are all in memory, so that nothing that is waited for lets the loop turn. */
function inMemory(batch: RecordBatch, count: number): Row[] {
  const encoder = new ArrowEncoder(batch.schema, "stream");
  const bytes = new Uint8Array(Buffer.concat([...encoder.batch(batch), ...encoder.finish()]));
  return Array<Row>(count).fill({ arrow_ipc_bytes: bytes });
}

const small = () => inMemory(batchOf({ a: vectorFromArray(Int32Array.from(numbers(ROWS))) }), BATCHES);

const nowhere = () => new Writable({ write: (_bytes, _encoding, done) => done() });
const eachRow = (onRow: () => void) =>
  new Writable({
    objectMode: true,
    write(_row, _encoding, done) {
      onRow();
      done();
    },
  });

/** A batch that is large without being so in memory: nothing is there but a number of rows. */
function batchOfData(type: DataType, length: number, data: unknown): RecordBatch {
  const fields = [new Field("n", type, true)];
  const struct = makeData({ type: new Struct(fields), length, nullCount: 0, children: [data] as never });
  return Object.assign(Object.create(RecordBatch.prototype), {
    schema: new Schema(fields),
    data: struct,
    _metadata: new Map(),
  });
}

const MOST = 2 ** 31 - 1;
const nulls = () => makeData({ type: new Null(), length: MOST });

describe("The event loop", () => {
  describe("turns while a consumer takes 1 ms for each row,", () => {
    const ways: Readonly<Record<string, (onRow: () => void) => Promise<unknown>>> = {
      async "with for await"(onRow) {
        for await (const _ of sparkStream(small()).compose(rows())) onRow();
      },
      async "with for await over what a batch has buffered"(onRow) {
        for await (const _ of Readable.from(await sparkStream(small()).toArray()).pipe(rows())) onRow();
      },
      async "with compose and data events"(onRow) {
        await finished(sparkStream(small()).compose(rows()).on("data", onRow));
      },
      async "with pipe"(onRow) {
        await finished(sparkStream(small()).pipe(rows()).pipe(eachRow(onRow)));
      },
      async "with pipeline"(onRow) {
        await pipeline(sparkStream(small()), rows(), eachRow(onRow));
      },
      async "with a function at the end of pipeline"(onRow) {
        await pipeline(sparkStream(small()), rows(), async (source: AsyncIterable<unknown>) => {
          for await (const _ of source) onRow();
        });
      },
      async "with data events"(onRow) {
        await finished(sparkStream(small()).pipe(rows()).on("data", onRow));
      },
      async "with an iterator helper"(onRow) {
        await sparkStream(small()).compose(rows()).forEach(onRow);
      },
    };
    for (const [way, consume] of Object.entries(ways)) {
      it(way, async () => {
        let taken = 0;
        const { longest } = await withClock((clock) =>
          observed(
            () => clock.ms,
            () =>
              consume(() => {
                taken++;
                clock.ms += 1;
              }),
          ),
        );
        expect(taken).to.equal(ROWS * BATCHES);
        // Twice the budget, where work began in another phase of the turn; core's streams add what they have buffered.
        expect(longest).to.be.at.most(/for await|function/.test(way) ? 25 : 70);
      });
    }

    it("and while one takes 4 ms for each batch that is read ahead", async () => {
      const { longest } = await withClock((clock) =>
        observed(
          () => clock.ms,
          async () => {
            for await (const _ of sparkStream(inMemory(batchOf({ a: vectorFromArray(Int32Array.of(1)) }), 500))) {
              clock.ms += 4;
            }
          },
        ),
      );
      expect(longest).to.be.at.most(30);
    });
  });

  describe("turns while batches of 200 columns are written, after less than 150 ms of CPU time,", () => {
    const length = 3_000;
    const kinds = [
      vectorFromArray(Int32Array.from(numbers(length))),
      vectorFromArray(Float64Array.from(numbers(length), (value) => value / 7)),
      vectorFromArray(
        numbers(length).map((value) => `text ${value}`),
        new Utf8(),
      ),
    ];
    const wide = batchOf(Object.fromEntries(numbers(200).map((column) => [`c${column}`, kinds[column % 3]!])));
    const sinks: Readonly<Record<string, (source: Readable) => Promise<void>>> = {
      rows: (source) =>
        pipeline(
          source,
          rows(),
          eachRow(() => {}),
        ),
      ndjsonWriter: (source) => pipeline(source, ndjsonWriter(nowhere())),
      csvWriter: (source) => pipeline(source, csvWriter(nowhere())),
      parquetWriter: (source) => pipeline(source, parquetWriter(nowhere(), { compression: "uncompressed" })),
    };
    for (const [name, write] of Object.entries(sinks)) {
      it(`by ${name}`, async () => {
        await write(Readable.from([wide.slice(0, 100)])); // loads its code
        const { longest } = await observed(cpuTime, () =>
          write(Readable.from(name === "csvWriter" ? [wide] : [wide, wide, wide])),
        );
        expect(longest).to.be.below(150);
      });
    }
  });

  it("turns between the pieces, 1 MiB at most, of a large batch that is written as Arrow", async () => {
    const floats = Float64Array.from(numbers(300_000));
    const batch = batchOf({ a: vectorFromArray(floats), b: vectorFromArray(Int32Array.from(numbers(300_000))) });
    const encoder = new ArrowEncoder(batch.schema, "stream");
    const pieces = [...encoder.batch(batch), ...encoder.finish()];
    expect(Math.max(...pieces.map((piece) => piece.length))).to.be.at.most(1024 * 1024);
    const [read] = (await sparkStream([{ arrow_ipc_bytes: Buffer.concat(pieces) }]).toArray()) as [RecordBatch];
    expect(read.getChildAt(0)!.toArray()).to.deep.equal(floats);
    expect(read.getChildAt(1)!.get(299_999)).to.equal(299_999);
  });

  it("turns while ten streams are read at once, each of which goes on in turn", async () => {
    const read = numbers(10).map(() => 0);
    await withClock(async (clock) => {
      let unfair = 0;
      await Promise.all(
        read.map(async (_, stream) => {
          for await (const _ of sparkStream(small()).compose(rows())) {
            read[stream]!++;
            clock.ms += 1;
            unfair = Math.max(unfair, Math.max(...read) - Math.min(...read));
          }
        }),
      );
      expect(unfair).to.be.below(ROWS);
    });
  });
});

describe("A batch of 2,147,483,647 rows of type NULL, 264 bytes,", () => {
  const batch = () => inMemory(batchOfData(new Null(), MOST, nulls()), 1);
  type Write = (source: Readable, target: Writable, options: { signal: AbortSignal }) => Promise<void>;
  const writers: Readonly<Record<string, Write>> = {
    rows: (source, target, options) => pipeline(source, rows(), target, options),
    ndjsonWriter: (source, target, options) => pipeline(source, ndjsonWriter(target), options),
    csvWriter: (source, target, options) => pipeline(source, csvWriter(target), options),
    parquetWriter: (source, target, options) => pipeline(source, parquetWriter(target), options),
  };
  for (const [name, write] of Object.entries(writers)) {
    it(`comes piece by piece out of ${name}, which stops at once when it is aborted`, async () => {
      const stop = new AbortController();
      const target = new PassThrough({ objectMode: name === "rows" });
      target.once("data", () => stop.abort());
      target.resume();
      const { longest } = await observed(cpuTime, async () => {
        const error = await write(sparkStream(batch()), target, { signal: stop.signal }).catch((reason) => reason);
        expect(error).to.have.property("name", "AbortError");
        await nextTurn();
      });
      expect(longest).to.be.below(300);
    });
  }

  it("is as short as before in an Arrow file", async () => {
    let bytes = 0;
    const target = new Writable({
      write(chunk, _encoding, done) {
        bytes += chunk.length;
        done();
      },
    });
    await pipeline(sparkStream(batch()), arrowWriter(target));
    expect(bytes).to.be.below(1000);
  });
});

describe("A row of 2,147,483,647 nulls", () => {
  const item = new Field("item", new Null(), true);
  const list = makeData({
    type: new List(item),
    length: 1,
    nullCount: 0,
    valueOffsets: Int32Array.of(0, MOST),
    child: nulls(),
  } as never);
  const fixed = makeData({ type: new FixedSizeList(MOST, item), length: 1, nullCount: 0, child: nulls() } as never);
  for (const [kind, type, data] of [
    ["list", new List(item), list],
    ["list of one size", new FixedSizeList(MOST, item), fixed],
  ] as const) {
    it(`in a ${kind} is refused with INVALID_INPUT by rows(), NDJSON and Parquet, which would run out of memory`, async () => {
      const batch = () => Readable.from([batchOfData(type, 1, data)]);
      const sinks = [
        pipeline(
          batch(),
          rows(),
          eachRow(() => {}),
        ),
        pipeline(batch(), ndjsonWriter(nowhere())),
        pipeline(batch(), parquetWriter(nowhere())),
      ];
      for (const sink of sinks) expect((await failure(sink, "INVALID_INPUT")).message).to.include("`n` has a row of");
    });
  }
});

describe("A batch of 70,000 columns", () => {
  it("becomes objects of 70,000 fields, in CPU time that grows with their number", async () => {
    const count = 70_000;
    const values = makeData({ type: new Float64(), length: 1, nullCount: 0, data: Float64Array.of(1.5) } as never);
    const fields = numbers(count).map((column) => new Field(`c${column}`, new Float64(), true));
    const struct = makeData({
      type: new Struct(fields),
      length: 1,
      nullCount: 0,
      children: fields.map(() => values),
    } as never);
    const schema = new Schema([new Field("x", new Int32(), true)]);
    const batch = Object.assign(Object.create(RecordBatch.prototype), { schema, data: struct, _metadata: new Map() });
    const before = cpuTime();
    const [row] = (await Readable.from([batch]).compose(rows()).toArray()) as [Record<string, number>];
    expect(Object.keys(row)).to.have.length(count);
    expect(row.c69999).to.equal(1.5);
    expect(cpuTime() - before).to.be.below(5000);
  });
});
