// Record batches to lines, for what takes bytes.
import { PassThrough, Readable, Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip, gunzipSync } from "node:zlib";
import { Field, Int32, List, type RecordBatch, Schema, Utf8 } from "apache-arrow";
import { expect } from "chai";
import { csvLines, csvWriter, ndjsonLines, ndjsonWriter, SparkStreamError, sparkStream } from "../../lib/index.js";
import { rowsOf } from "../support/ipc.js";
import { until } from "../support/until.js";
import { batchOfValues, failure } from "../support/writers.js";

const batches = (count: number, rows = 1000): RecordBatch[] =>
  Array.from({ length: count }, (_, batch) =>
    batchOfValues({
      id: [new Int32(), Array.from({ length: rows }, (_, row) => batch * rows + row)],
      name: [new Utf8(), Array.from({ length: rows }, (_, row) => (row % 7 === 0 ? null : `"${row}, x`))],
    }),
  );

async function written(writer: (target: Writable) => Writable, of: RecordBatch[]): Promise<string> {
  const target = new PassThrough();
  const [all] = await Promise.all([text(target), pipeline(Readable.from(of), writer(target))]);
  return all;
}

describe("Lines of record batches", () => {
  for (const [name, lines, writer] of [
    ["csvLines", csvLines, csvWriter],
    ["ndjsonLines", ndjsonLines, ndjsonWriter],
  ] as const) {
    it(`are what the writer writes: ${name}`, async () => {
      const expected = await written(writer, batches(5));
      expect(expected.length).to.be.above(50_000);
      expect(await text(Readable.from(batches(5)).pipe(lines()))).to.equal(expected);
      expect(await text(Readable.from(batches(5)).compose(lines()))).to.equal(expected);
      expect(await text(sparkStream(rowsOf(...batches(5))).compose(lines()))).to.equal(expected);
      const zipped = new PassThrough();
      const [bytes] = await Promise.all([buffer(zipped), pipeline(batches(5), lines(), createGzip(), zipped)]);
      expect(gunzipSync(bytes).toString()).to.equal(expected);
    });

    it(`come no faster than they are taken: ${name}`, async () => {
      let asked = 0;
      async function* source() {
        for (const batch of batches(200)) {
          asked++;
          yield batch;
        }
      }
      const all = Readable.from(source()).pipe(lines());
      all.once("readable", () => {});
      await until(() => all.readableLength > 0, "the first lines are there");
      const before = asked;
      await new Promise((resolve) => setImmediate(resolve));
      expect(before).to.be.below(30);
      expect((await text(all)).split("\n").length).to.be.above(200_000);
    });

    it(`end with the error of what is no record batch, or of the source: ${name}`, async () => {
      await failure(pipeline([{ id: 1 }], lines(), new PassThrough().resume()), "INVALID_INPUT");
      const source = new Readable({ objectMode: true, read() {} });
      source.push(batches(1)[0]);
      const done = pipeline(source, lines(), new Writable({ write: (_c, _e, callback) => callback() }));
      source.destroy(new SparkStreamError("QUERY_FAILED", "it failed"));
      await failure(done, "QUERY_FAILED");
    });
  }

  it("end at once when they are destroyed or aborted, and so does the source", async () => {
    for (const stop of [(stream: Readable) => void stream.destroy(), undefined]) {
      const abort = new AbortController();
      const source = Readable.from(batches(500));
      const lines = csvLines(stop ? {} : { signal: abort.signal });
      const done = pipeline(source, lines, new Writable({ highWaterMark: 1, write() {} })); // takes nothing
      const failed = done.then(
        () => undefined,
        (error: Error) => error,
      );
      await until(() => lines.readableLength > 0, "lines wait");
      if (stop) stop(lines);
      else abort.abort();
      expect((await failed)?.name).to.match(stop ? /Error/ : /AbortError/);
      await until(() => source.destroyed, "the source is destroyed");
    }
  });

  it("have a head without any batch, of the schema that is given", async () => {
    const schema = new Schema([new Field("a", new Int32()), new Field("b", new Utf8())]);
    expect(await text(Readable.from([]).pipe(csvLines({ schema })))).to.equal("a,b\n");
    await failure(text(Readable.from([]).pipe(csvLines())), "INVALID_INPUT");
  });

  it("are refused for a column that CSV has no text for", async () => {
    const nested = batchOfValues({ a: [new List(new Field("element", new Int32())), [[1]]] });
    await failure(text(Readable.from([nested]).pipe(csvLines())), "UNSUPPORTED_TYPE");
  });
});
