import { Readable } from "node:stream";
import { Dictionary, Int32, Utf8, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { rows, sparkStream } from "../../lib/index.js";
import { batchOf, type Row, rowsOf } from "../support/ipc.js";
import { failure } from "../support/writers.js";

const numbers = (length: number) => Array.from({ length }, (_, index) => index);
const batch = () => batchOf({ a: vectorFromArray(Int32Array.from(numbers(100))) });
const source = (count: number) => rowsOf(...Array.from({ length: count }, batch));

describe("sparkStream().compose(rows())", () => {
  it("is the stream of rows() itself, of all rows in order", async () => {
    const transform = rows();
    const composed = sparkStream(source(5)).compose(transform);
    expect(composed).to.equal(transform);
    const found: unknown[] = [];
    for await (const { a } of composed) found.push(a);
    expect(found).to.deep.equal([1, 2, 3, 4, 5].flatMap(() => numbers(100)));
  });

  it("rejects the loop with the error of the source, after the rows before it", async () => {
    async function* failing(): AsyncGenerator<Row> {
      yield* source(1);
      yield { arrow_ipc_bytes: Uint8Array.of(1, 2, 3) };
    }
    let count = 0;
    const loop = async () => {
      for await (const _ of sparkStream(failing()).compose(rows())) count++;
    };
    await failure(loop(), "INVALID_IPC");
    expect(count).to.be.at.most(100);
  });

  it("rejects the loop with an error of rows(), which is destroyed", async () => {
    const twice = batchOf({ a: vectorFromArray([1], new Int32()) });
    const other = batchOf({ a: vectorFromArray(["x"], new Dictionary(new Utf8(), new Int32())) });
    const stream = Readable.from([twice, other]).pipe(rows());
    const loop = async () => {
      for await (const _ of stream) void _;
    };
    await failure(loop(), "SCHEMA_MISMATCH");
    expect(stream.destroyed).to.equal(true);
  });

  it("destroys the source when the loop is left, which closes what the rows came from", async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<Row> {
      try {
        for (;;) yield* source(1);
      } finally {
        closed = true;
      }
    }
    const stream = sparkStream(endless());
    for await (const row of stream.compose(rows())) if (row.a === 50) break;
    await new Promise((resolve) => stream.once("close", resolve));
    expect(stream.destroyed).to.equal(true);
    expect(closed).to.equal(true);
  });

  it("ends with an AbortError when the signal of compose() aborts", async () => {
    const stop = new AbortController();
    const loop = async () => {
      for await (const _ of sparkStream(source(50)).compose(rows(), { signal: stop.signal })) stop.abort();
    };
    const error = await loop().catch((reason) => reason);
    expect(error).to.have.property("name", "AbortError");
  });

  it("answers calls of next() in their order, also when they do not wait for each other", async () => {
    const iterator = sparkStream(source(2)).compose(rows())[Symbol.asyncIterator]();
    const found = await Promise.all(Array.from({ length: 205 }, () => iterator.next()));
    expect(found.map(({ value }) => (value as { a: number } | undefined)?.a)).to.deep.equal([
      ...numbers(100),
      ...numbers(100),
      ...Array.from({ length: 5 }, () => undefined),
    ]);
    expect(found.at(-1)).to.deep.equal({ done: true, value: undefined });
  });
});
