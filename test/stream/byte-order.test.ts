// Spark on a big-endian machine (s390x) sends Arrow streams whose numbers have their highest byte first. They were decoded as
// if they had their lowest byte first: decimals, dates and intervals were wrong, and nobody was told.
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Int32, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { arrowIpcBytes, rows, sparkStream } from "../../lib/index.js";
import { byteWriter } from "../../lib/sinks/files/byte-writer.js";
import { batchOf, ipcOf } from "../support/ipc.js";
import { declaredBigEndian } from "../support/ipc-assembler.js";
import { runPython } from "../support/python.js";
import { directoryPerTest, failure } from "../support/writers.js";

/** 1, 2, 3 with their highest byte first. */
const swapped = Int32Array.of(1, 2, 3);
Buffer.from(swapped.buffer).swap32();
const little = ipcOf(batchOf({ id: vectorFromArray([1, 2, 3], new Int32()) }));
const big = declaredBigEndian(ipcOf(batchOf({ id: vectorFromArray([...swapped], new Int32()) })));

describe("A stream whose numbers are big-endian", () => {
  const directory = directoryPerTest();

  it("is refused by sparkStream(), with what to do", async () => {
    const error = await failure(
      sparkStream([{ arrow_ipc_bytes: big }])
        .compose(rows())
        .toArray(),
      "UNSUPPORTED",
    );
    expect(error.message).to.match(/^Row 0 .*big-endian.*arrowIpcBytes\(\)/);
  });

  it("is forwarded by arrowIpcBytes(), for readers that convert it", async () => {
    const path = directory.path("big.arrows");
    await pipeline(arrowIpcBytes([{ arrow_ipc_bytes: big }, { arrow_ipc_bytes: big }]), byteWriter(path));
    const script = `
import json, sys, pyarrow as pa
print(json.dumps(pa.ipc.open_stream(sys.argv[1]).read_all()["id"].to_pylist()))`;
    expect(await runPython(script, [path])).to.deep.equal([1, 2, 3, 1, 2, 3]);
  });

  it("is not mixed with one of the other byte order", async () => {
    for (const order of [
      [little, big],
      [big, little],
    ]) {
      const input = order.map((bytes) => ({ arrow_ipc_bytes: bytes }));
      const error = await failure(buffer(arrowIpcBytes(input)), "SCHEMA_MISMATCH");
      expect(error.message).to.match(/^Row 1 .*byte order/);
    }
  });
});
