import { readFile } from "node:fs/promises";
import { Writable } from "node:stream";
import { Dictionary, Int32, type RecordBatch, RecordBatchReader, tableFromIPC, Utf8 } from "apache-arrow";
import { expect } from "chai";
import type { SparkStreamError } from "../../lib/errors.js";
import { type ArrowWriterOptions, arrowWriter } from "../../lib/sinks/arrow-writer.js";
import { runPython } from "../support/python.js";
import { turns } from "../support/until.js";
import { arrowScript, batchOfValues, directoryPerTest, failure, writeAll } from "../support/writers.js";

const ints = (...values: (number | null)[]) => batchOfValues({ a: [new Int32(), values] });

describe("arrowWriter", () => {
  const directory = directoryPerTest();

  /** Writes each stream again, in both formats, and gives what pyarrow finds to differ. */
  async function roundTrip(names: readonly string[], cut: (batches: RecordBatch[]) => RecordBatch[]) {
    const paths: string[] = [];
    for (const name of names) {
      const source = directory.path(`${name}.arrow`);
      const batches = cut([...RecordBatchReader.from(await readFile(source))] as RecordBatch[]);
      for (const target of [directory.path(`${name}.copy.arrow`), directory.path(`${name}.copy.arrows`)]) {
        try {
          await writeAll(batches, arrowWriter(target));
          paths.push(source, target);
        } catch (error) {
          // Some have dictionaries that differ from batch to batch.
          if ((error as SparkStreamError).code !== "UNSUPPORTED_TYPE" || target.endsWith(".arrows")) throw error;
        }
      }
    }
    expect(paths.length).to.be.above(3.5 * names.length); // of 4, with both formats of all
    return runPython(arrowScript("compare_files"), paths);
  }

  const whole = (batches: RecordBatch[]) => batches;
  const sliced = (batches: RecordBatch[]) =>
    batches.flatMap((batch) => [batch.slice(0, 3), batch.slice(3, 3), batch.slice(Math.min(3, batch.numRows))]);

  it("keeps every type that Spark sends with its type, nullability, metadata and exact values, for pyarrow", async () => {
    const names = (await runPython(arrowScript("spark_types"), [directory.path("")])) as string[];
    expect(names).to.have.length.above(150);
    expect(await roundTrip(names, whole)).to.deep.equal([]);
    expect(await roundTrip(names, sliced)).to.deep.equal([]);
  });

  it("keeps random nested data, sliced too", async () => {
    const names = (await runPython(arrowScript("random_tables"), [directory.path(""), "7", "40"])) as string[];
    expect(await roundTrip(names, whole)).to.deep.equal([]);
    expect(await roundTrip(names, sliced)).to.deep.equal([]);
  });

  // pyarrow could not read a file with a dictionary in another one's values: the inner one was not written. Unions were refused.
  it("keeps dictionaries within dictionaries, unions, and all that nests, sliced too", async () => {
    const names = (await runPython(arrowScript("nested_columns"), [directory.path("")])) as string[];
    expect(names).to.have.length.above(40);
    for (const cut of [whole, sliced]) expect(await roundTrip(names, cut)).to.deep.equal([]);
  });

  it("takes batches that were made one by one, whose dictionaries have other ids", async () => {
    const words = (...values: string[]) =>
      batchOfValues({
        d: [new Dictionary(new Utf8(), new Int32()), values],
        e: [new Dictionary(new Utf8(), new Int32()), values.toReversed()],
      });
    const batches = [words("a", "b", "a"), words("x", "y")];
    await writeAll(batches, arrowWriter(directory.path("d.arrows")));
    const script = `
import json, sys, pyarrow as pa
print(json.dumps(pa.ipc.open_stream(sys.argv[1]).read_all().to_pydict()))`;
    expect(await runPython(script, [directory.path("d.arrows")])).to.deep.equal({
      d: ["a", "b", "a", "x", "y"],
      e: ["a", "b", "a", "y", "x"],
    });
    await failure(writeAll(batches, arrowWriter(directory.path("d.arrow"))), "UNSUPPORTED_TYPE");
  });

  it("says which dictionary is broken", async () => {
    const batch = batchOfValues({ d: [new Dictionary(new Utf8(), new Int32(), 5), ["a", "b"]] });
    const [chunk] = batch.data.children[0]!.dictionary!.data;
    Object.assign(chunk!, { valueOffsets: Int32Array.of(0, 1, 99) });
    const error = await failure(writeAll([batch], arrowWriter(directory.path("d.arrow"))), "INVALID_INPUT");
    expect(error.message).to.contain("dictionary 5");
    expect(await directory.files()).to.deep.equal([]);
  });

  it("writes a file whose batches can be read in any order, and a stream that ends with its mark", async () => {
    const batches = Array.from({ length: 50 }, (_, index) => ints(index, null, -index));
    await writeAll(batches, arrowWriter(directory.path("a.arrow")));
    await writeAll(batches, arrowWriter(directory.path("a.arrows")));
    const read = `
import json, sys, pyarrow as pa
f = pa.ipc.open_file(sys.argv[1])
print(json.dumps([f.num_record_batches, f.get_batch(49)["a"].to_pylist(), f.get_batch(7)["a"].to_pylist()]))`;
    expect(await runPython(read, [directory.path("a.arrow")])).to.deep.equal([50, [49, null, -49], [7, null, -7]]);
    expect((await readFile(directory.path("a.arrows"))).subarray(-8).toString("hex")).to.equal("ffffffff00000000");
    expect(tableFromIPC(await readFile(directory.path("a.arrow"))).numRows).to.equal(150);
  });

  for (const format of ["file", "stream"] as const) {
    it(`writes the schema of a stream without batches, as a ${format}`, async () => {
      const path = directory.path("empty");
      await writeAll([], arrowWriter(path, { format, schema: ints().schema }));
      const open = format === "file" ? "open_file" : "open_stream";
      const script = `import json, sys, pyarrow as pa\nt = pa.ipc.${open}(sys.argv[1]).read_all()\nprint(json.dumps([t.num_rows, str(t.schema)]))`;
      expect(await runPython(script, [path])).to.deep.equal([0, "a: int32"]);
    });
  }

  it("writes a stream to a Writable, one batch at a time, however slow it is", async () => {
    const chunks: Buffer[] = [];
    let most = 0;
    let given = 0;
    let taken = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, callback) {
        chunks.push(chunk);
        taken++;
        void turns(5).then(() => callback());
      },
    });
    function* source() {
      for (; given < 40; given++) {
        most = Math.max(most, given - taken);
        yield ints(given);
      }
    }
    await writeAll(source(), arrowWriter(slow));
    expect(tableFromIPC(Buffer.concat(chunks)).getChild("a")?.toArray()).to.deep.equal(
      Int32Array.from({ length: 40 }, (_, index) => index),
    );
    expect(most).to.be.below(8);
  });

  it("refuses a dictionary that changes in the course of a file, which a stream can hold", async () => {
    const script = `
import json, sys, pyarrow as pa
schema = pa.schema([("d", pa.dictionary(pa.int32(), pa.string()))])
with pa.ipc.new_stream(sys.argv[1], schema) as writer:
    for words in (["a", "b"], ["x", "y"]):
        writer.write_batch(pa.record_batch([pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), words)], schema=schema))
print("[]")`;
    const source = directory.path("source.arrow");
    await runPython(script, [source]);
    const batches = [...RecordBatchReader.from(await readFile(source))];
    await failure(writeAll(batches, arrowWriter(directory.path("d.arrow"))), "UNSUPPORTED_TYPE");
    await writeAll(batches, arrowWriter(directory.path("d.arrows")));
    expect(await directory.files()).to.have.members(["source.arrow", "d.arrows"]);
    expect(await runPython(arrowScript("compare_files"), [source, directory.path("d.arrows")])).to.deep.equal([]);
  });

  it("refuses a malformed option, at the call", () => {
    for (const options of [{ format: "feather" }, { formt: "file" }]) {
      expect(() => arrowWriter("x", options as ArrowWriterOptions))
        .to.throw()
        .with.property("code", "INVALID_ARGUMENT");
    }
    expect(() => arrowWriter(null as never))
      .to.throw()
      .with.property("code", "INVALID_ARGUMENT");
  });

  it("takes text that is not ASCII as it is", async () => {
    await writeAll(
      [batchOfValues({ t: [new Utf8(), ["Grüße", null, "世界"]] })],
      arrowWriter(directory.path("t.arrow")),
    );
    expect([...(tableFromIPC(await readFile(directory.path("t.arrow"))).getChild("t") ?? [])]).to.deep.equal([
      "Grüße",
      null,
      "世界",
    ]);
  });
});
