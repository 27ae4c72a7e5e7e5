import { readFile } from "node:fs/promises";
import { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { finished, pipeline } from "node:stream/promises";
import { Dictionary, Int32, RecordBatchReader, tableFromIPC, Utf8, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { arrowIpcBytes } from "../../lib/index.js";
import { byteWriter } from "../../lib/sinks/files/byte-writer.js";
import { batchOf, contentOf, ipcOf, ipcOfSchema, placedAt, rowsOf } from "../support/ipc.js";
import { runPython } from "../support/python.js";
import { countTo, idBatches, scripted, within } from "../support/scripted.js";
import { turns, until } from "../support/until.js";
import { directoryPerTest, failure } from "../support/writers.js";

const batches = Array.from({ length: 20 }, (_, index) =>
  batchOf({
    id: vectorFromArray([3 * index, null, 3 * index + 2], new Int32()),
    text: vectorFromArray(["a", null, `text ${index}`], new Utf8()),
  }),
);

const ids = (bytes: Uint8Array) => [...(tableFromIPC(bytes).getChild("id") ?? [])].map(Number);

describe("arrowIpcBytes()", () => {
  const directory = directoryPerTest();

  it("makes one IPC stream of many: the schema once, all batches, and one end, for pyarrow and for apache-arrow", async () => {
    const path = directory.path("all.arrows");
    const stream = arrowIpcBytes(rowsOf(...batches));
    await pipeline(stream, byteWriter(path));
    const bytes = await readFile(path);
    expect(contentOf([...RecordBatchReader.from(bytes)])).to.deep.equal(contentOf(batches));
    const script = `
import json, sys, pyarrow as pa
source = pa.memory_map(sys.argv[1])
messages = list(pa.ipc.MessageReader.open_stream(source))
table = pa.ipc.open_stream(sys.argv[1]).read_all()
table.validate(full=True)
print(json.dumps([[m.type for m in messages].count("schema"), len(messages), table.num_rows, table["text"][5].as_py()]))`;
    expect(await runPython(script, [path])).to.deep.equal([1, 21, 60, "text 1"]);
    expect(bytes.subarray(-8).toString("hex")).to.equal("ffffffff00000000");
    expect(bytes.toString("latin1").split("\xff\xff\xff\xff\0\0\0\0")).to.have.length(2);
  });

  it("takes rows with several batches, without an end, unaligned, and leaves them as they were", async () => {
    const several = ipcOf(...batches);
    const copy = Uint8Array.from(several);
    const rows = [several.subarray(0, -8), placedAt(3, several)].map((bytes) => ({ arrow_ipc_bytes: bytes }));
    const expected = ids(several);
    expect(ids(await buffer(arrowIpcBytes(rows)))).to.deep.equal([...expected, ...expected]);
    expect(several).to.deep.equal(copy);
  });

  it("gives the schema of an empty result", async () => {
    const table = tableFromIPC(await buffer(arrowIpcBytes([{ arrow_ipc_bytes: ipcOfSchema(batches[0]!.schema) }])));
    expect([table.numRows, table.schema.names.join()]).to.deep.equal([0, "id,text"]);
  });

  it("forwards dictionaries with the batches that use them", async () => {
    const words = (...values: string[]) =>
      batchOf({ word: vectorFromArray(values, new Dictionary(new Utf8(), new Int32(), 7)) });
    const found = tableFromIPC(await buffer(arrowIpcBytes(rowsOf(words("a", "b", "a"), words("x", "y")))));
    expect([...found.getChild("word")!]).to.deep.equal(["a", "b", "a", "x", "y"]);
  });

  it("knows its schema, counts, and is a byte stream that holds one row", async () => {
    const stream = arrowIpcBytes(rowsOf(...batches));
    expect((await stream.schema).names).to.deep.equal(["id", "text"]);
    expect([stream.readableObjectMode, stream.readableHighWaterMark]).to.deep.equal([false, 1]);
    await buffer(stream);
    expect(stream.metrics).to.include({ rows: 60, batches: 20 });
  });

  const broken: Readonly<Record<string, [rows: unknown[], code: "INVALID_IPC" | "SCHEMA_MISMATCH" | "INVALID_INPUT"]>> =
    {
      "a row that is no IPC": [[...rowsOf(batches[0]!), { arrow_ipc_bytes: Uint8Array.of(1, 2, 3) }], "INVALID_IPC"],
      "a row that ends too soon": [[{ arrow_ipc_bytes: ipcOf(batches[0]!).slice(0, -100) }], "INVALID_IPC"],
      "a row of another schema": [
        [...rowsOf(batches[0]!), ...rowsOf(batchOf({ id: vectorFromArray(["x"], new Utf8()) }))],
        "SCHEMA_MISMATCH",
      ],
      "no row at all": [[], "INVALID_INPUT"],
      "a row without bytes": [[{}], "INVALID_INPUT"],
    };
  for (const [what, [rows, code]] of Object.entries(broken)) {
    it(`fails with ${code} at ${what}, without an end-of-stream mark`, async () => {
      const found: Buffer[] = [];
      const sink = new Writable({
        write(chunk: Buffer, _encoding, callback) {
          found.push(chunk);
          callback();
        },
      });
      await failure(pipeline(arrowIpcBytes(rows as never), sink), code);
      expect(Buffer.concat(found).toString("hex")).not.to.match(/ffffffff00000000$/);
    });
  }

  it("leaves no file where its source fails", async () => {
    const rows = [...rowsOf(batches[0]!), {}] as never;
    await failure(pipeline(arrowIpcBytes(rows), byteWriter(directory.path("half.arrows"))), "INVALID_INPUT");
    expect(await directory.files()).to.deep.equal([]);
  });

  it("takes no more from its source than its consumer and readAheadBytes allow", async () => {
    let taken = 0;
    async function* rows() {
      for (const row of rowsOf(...batches)) {
        taken++;
        yield row;
      }
    }
    const stream = arrowIpcBytes(rows(), { readAheadBytes: 1 });
    const slow = new Writable({ highWaterMark: 1, write: () => {} }); // takes one chunk, and never another
    stream.pipe(slow);
    await until(() => taken > 0, "it takes something");
    await turns();
    expect(taken).to.be.below(6);
    stream.destroy();
    await finished(stream).catch(() => {});
  });

  it("stops the query when it is destroyed, and checks the count and order of the rows, as sparkStream() does", async () => {
    await using setting = await scripted({ batches: idBatches(10, 10, 5) });
    const { server, spark } = setting;
    const whole = await buffer(arrowIpcBytes(spark.sql("SELECT id FROM t")));
    expect(ids(whole)).to.deep.equal(countTo(25));

    const stopped = arrowIpcBytes(spark.sql("SELECT id FROM t"));
    await new Promise((resolve) => stopped.once("readable", resolve));
    stopped.destroy();
    await finished(stopped).catch(() => {});
    await within(1000, () =>
      expect(server.operations.map(({ state }) => state)).to.deep.equal(["released", "released"]),
    );

    const aborted = arrowIpcBytes(spark.sql("SELECT id FROM t"), { signal: AbortSignal.abort() });
    expect(((await finished(aborted).catch((error) => error)) as Error).name).to.equal("AbortError");
  });

  it("fails with INCOMPLETE_RESULT where rows are missing", async () => {
    const [first, , third] = idBatches(3, 3, 3).map((batch) => ipcOf(batch));
    const value = (data: Uint8Array, startOffset: bigint) => ({ data, rowCount: 3n, startOffset });
    const responses = [
      { responseType: { case: "arrowBatch" as const, value: value(first!, 0n) } },
      { responseType: { case: "arrowBatch" as const, value: value(third!, 6n) } },
      { responseType: { case: "resultComplete" as const, value: {} } },
    ];
    await using setting = await scripted({ respond: { executePlan: () => ({ responses }) } });
    await failure(buffer(arrowIpcBytes(setting.spark.sql("SELECT id FROM t"))), "INCOMPLETE_RESULT");
  });

  it("refuses the options that sparkStream() refuses", () => {
    expect(() => arrowIpcBytes([], { readAhead: 1 } as never))
      .to.throw()
      .with.property("code", "INVALID_ARGUMENT");
    expect(() => arrowIpcBytes(5 as never))
      .to.throw()
      .with.property("code", "INVALID_INPUT");
  });
});
