import { once } from "node:events";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Float64, type RecordBatch, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { ByteBudget } from "../../lib/chain/byte-budget.js";
import { sparkStream } from "../../lib/spark-stream.js";
import { collectGarbage } from "../support/garbage.js";
import { batchOf, ipcOf, type Row } from "../support/ipc.js";
import { reaches, turns, until } from "../support/until.js";

const batch = batchOf({ x: vectorFromArray(Array.from({ length: 1_000 }, Math.random), new Float64()) });
const row: Row = { arrow_ipc_bytes: ipcOf(batch) };
const rowBytes = row.arrow_ipc_bytes.length;

/** A source of so many rows that counts what was taken from it. */
function counted(count: number, each: Row = row) {
  const source = {
    pulled: 0,
    async *[Symbol.asyncIterator](): AsyncGenerator<Row> {
      for (; source.pulled < count; ) {
        source.pulled++;
        yield each;
      }
    },
  };
  return source;
}

/** Waits until so many rows were pulled, and checks that there are no more. */
const pulls = (source: { readonly pulled: number }, rows: number) => reaches(() => source.pulled, rows, "rows pulled");

describe("sparkStream's memory", () => {
  for (const readAheadBytes of [1, rowBytes, 10 * rowBytes, 10 * rowBytes + 1]) {
    it(`holds ${readAheadBytes} bytes and one row of ${rowBytes} while nobody reads`, async () => {
      const source = counted(1_000);
      const stream = sparkStream(source, { readAheadBytes });
      await pulls(source, Math.ceil(readAheadBytes / rowBytes));
      stream.destroy();
    });
  }

  it("is 16 MiB and one row by default", async () => {
    const source = counted(10_000);
    const stream = sparkStream(source);
    await pulls(source, Math.ceil((16 * 2 ** 20) / rowBytes));
    stream.destroy();
  });

  it("counts a batch until its consumer asks for the next, and takes another row for each that was consumed", async () => {
    const source = counted(1_000);
    const stream = sparkStream(source, { readAheadBytes: 3 * rowBytes });
    await pulls(source, 3);
    for (let read = 1; read < 20; read++) {
      while (stream.read() === null) await once(stream, "readable");
      // One that the Readable holds ready, and one that was read and counts no more.
      await until(() => source.pulled >= 3 + read - 1, `${read} rows more`);
      await turns();
      expect(source.pulled).to.be.at.most(3 + read + 1);
    }
    stream.destroy();
  });

  it("does not grow with a slow consumer", async () => {
    const source = counted(200);
    let consumed = 0;
    let most = 0;
    const sink = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write(_batch: RecordBatch, _encoding, callback) {
        most = Math.max(most, source.pulled - consumed++);
        if (consumed % 10 === 0) turns(20).then(() => callback(), callback);
        else callback();
      },
    });
    await pipeline(sparkStream(source, { readAheadBytes: 4 * rowBytes }), sink);
    expect(consumed).to.equal(200);
    expect(most).to.be.at.most(4 + 2);
  });

  it("holds one row of many batches until the last of them was consumed", async () => {
    const many = { arrow_ipc_bytes: ipcOf(...Array(10).fill(batch)) };
    const source = counted(100, many);
    const stream = sparkStream(source, { readAheadBytes: 1 });
    const iterator = stream[Symbol.asyncIterator]();
    for (let read = 1; read <= 9; read++) {
      await iterator.next();
      await pulls(source, 1);
    }
    for (let read = 10; read <= 12; read++) await iterator.next();
    await pulls(source, 2);
    await iterator.return?.();
  });

  it("takes as many rows as there are where they are empty, and comes to an end", async () => {
    const source = counted(500, { arrow_ipc_bytes: ipcOf(batch.slice(0, 0)) });
    let batches = 0;
    for await (const _ of sparkStream(source, { readAheadBytes: 1 })) batches++;
    expect(batches).to.equal(500);
  });

  it("reads on to the end at once, with a read-ahead of one byte, for a consumer that is always ready", async () => {
    const source = counted(2_000);
    let rows = 0;
    for await (const { numRows } of sparkStream(source, { readAheadBytes: 1 })) rows += numRows;
    expect(rows).to.equal(2_000_000);
  });

  it("is all that is held: what was consumed is free", async () => {
    const before = process.memoryUsage().arrayBuffers;
    // V8 frees buffers on a thread of its own, some time after a collection.
    const isFree = async () => {
      await collectGarbage();
      return process.memoryUsage().arrayBuffers - before < 500 * rowBytes;
    };
    async function* fresh(): AsyncGenerator<Row> {
      for (let index = 0; index < 2_000; index++) yield { arrow_ipc_bytes: Uint8Array.from(row.arrow_ipc_bytes) };
    }
    let index = 0;
    for await (const _ of sparkStream(fresh(), { readAheadBytes: 4 * rowBytes })) {
      if (++index % 500 === 0) await until(isFree, `less than 500 of 2,000 rows are held after ${index}`);
    }
  });
});

describe("ByteBudget", () => {
  it("lets in while less than its limit is held, and calls back when it is again", () => {
    const budget = new ByteBudget(10);
    let calls = 0;
    budget.whenRoom(() => calls++);
    expect(calls).to.equal(1);
    budget.add(9);
    budget.whenRoom(() => calls++);
    expect(calls).to.equal(2);
    budget.add(6);
    expect(budget.held).to.equal(15);
    budget.whenRoom(() => calls++);
    budget.release(5);
    expect(calls, "10 of 10 are held").to.equal(2);
    budget.release(1);
    expect(calls).to.equal(3);
    budget.release(9);
    expect(calls, "each waiter once").to.equal(3);
  });

  it("keeps a waiter that comes from within a call back", () => {
    const budget = new ByteBudget(1);
    let calls = 0;
    budget.add(1);
    budget.whenRoom(() => {
      budget.add(1);
      budget.whenRoom(() => calls++);
    });
    budget.release(1);
    expect(calls).to.equal(0);
    budget.release(1);
    expect(calls).to.equal(1);
  });
});
