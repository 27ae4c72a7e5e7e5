import { once } from "node:events";
import { compose, Duplex, finished as finishedCallback, PassThrough, Readable, Transform, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";
import { setImmediate } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { Field, Int32, RecordBatch, Schema, Utf8, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { Readable as StreamxReadable, Writable as StreamxWritable, pipeline as streamxPipeline } from "streamx";
import { SparkStreamError } from "../../lib/errors.js";
import { SparkStream, sparkStream } from "../../lib/spark-stream.js";
import type { SparkStreamOptions } from "../../lib/stream-options.js";
import { batchOf, collect, failureOf, ipcOf, ipcOfSchema, type Row, rowsOf } from "../support/ipc.js";
import { turns, until } from "../support/until.js";

const ROWS = 40;
const PER_BATCH = 3;

/** The ids 0, 1, 2, … over so many rows, three a batch. */
const batches = Array.from({ length: ROWS }, (_, row) =>
  batchOf({
    id: vectorFromArray(
      [0, 1, 2].map((index) => row * PER_BATCH + index),
      new Int32(),
    ),
    text: vectorFromArray(["a", null, `text ${row}`], new Utf8()),
  }),
);
const rows = rowsOf(...batches);
const allIds = Array.from({ length: ROWS * PER_BATCH }, (_, id) => id);
const idsOf = (found: readonly RecordBatch[]) => found.flatMap((batch) => [...batch.getChild("id")!]);

async function* generated(): AsyncGenerator<Row> {
  for (const row of rows) {
    await setImmediate();
    yield row;
  }
}

const inputs: Record<string, () => Parameters<typeof sparkStream>[0]> = {
  "a core Readable": () => Readable.from(rows),
  "a core Readable that reads ahead": () => Readable.from(generated(), { highWaterMark: 16 }),
  "a core Duplex": () => {
    const through = new PassThrough({ objectMode: true });
    pipeline(Readable.from(rows), through).catch(() => {});
    return through;
  },
  "a streamx Readable": () => {
    let next = 0;
    return new StreamxReadable({
      read(callback) {
        this.push(rows[next++] ?? null);
        callback(null);
      },
    }) as unknown as AsyncIterable<Row>;
  },
  "a web ReadableStream": () => ReadableStream.from(rows),
  "a web ReadableStream that is pulled": () => {
    let next = 0;
    return new ReadableStream<Row>({
      async pull(controller) {
        await setImmediate();
        const row = rows[next++];
        if (row) controller.enqueue(row);
        else controller.close();
      },
    });
  },
  "an async generator": generated,
  "a generator": () =>
    (function* () {
      yield* rows;
    })(),
  "an array": () => rows,
  "a Set": () => new Set(rows),
  "an async iterable without return()": () => ({
    [Symbol.asyncIterator]() {
      const iterator = rows[Symbol.iterator]();
      return { next: async () => iterator.next() };
    },
  }),
};

const consumers: Record<string, (stream: SparkStream) => Promise<RecordBatch[]>> = {
  "for await": collect,
  "toArray()": (stream) => stream.toArray(),
  "its data events": async (stream) => {
    const found: RecordBatch[] = [];
    stream.on("data", (batch: RecordBatch) => found.push(batch));
    await once(stream, "end");
    return found;
  },
  "read() on readable events": async (stream) => {
    const found: RecordBatch[] = [];
    stream.on("readable", () => {
      for (let batch = stream.read(); batch !== null; batch = stream.read()) found.push(batch as RecordBatch);
    });
    await once(stream, "end");
    return found;
  },
  "data events with a pause after each": async (stream) => {
    const found: RecordBatch[] = [];
    stream.on("data", (batch: RecordBatch) => {
      found.push(batch);
      stream.pause();
      void turns(2).then(() => stream.resume());
    });
    await once(stream, "end");
    return found;
  },
  "pipeline() into a core Writable": async (stream) => {
    const found: RecordBatch[] = [];
    const sink = new Writable({
      objectMode: true,
      write(batch: RecordBatch, _encoding, callback) {
        found.push(batch);
        global.setImmediate(callback);
      },
    });
    await pipeline(stream, sink);
    return found;
  },
  "pipeline() through a core Transform into a generator": (stream) => {
    const through = new Transform({
      objectMode: true,
      transform: (batch, _encoding, callback) => callback(null, batch),
    });
    return pipeline(stream, through, async (source: AsyncIterable<RecordBatch>) => await collect(source));
  },
  "streamx's pipeline() into a streamx Writable": async (stream) => {
    const found: RecordBatch[] = [];
    const sink = new StreamxWritable({
      write(batch: RecordBatch, callback) {
        found.push(batch);
        callback(null);
      },
    });
    await new Promise<void>((resolve, reject) => {
      streamxPipeline(stream as never, sink, (error) => (error ? reject(error) : resolve()));
    });
    return found;
  },
  "Readable.toWeb()": async (stream) => {
    const found: RecordBatch[] = [];
    for await (const batch of Readable.toWeb(stream)) found.push(batch as RecordBatch);
    return found;
  },
  "compose()": (stream) =>
    collect(
      compose(stream, async function* (source: AsyncIterable<RecordBatch>) {
        for await (const batch of source) yield batch;
      }) as AsyncIterable<RecordBatch>,
    ),
  "an iterator helper": (stream) => stream.map((batch: RecordBatch) => batch).toArray(),
  "Duplex.from()": (stream) => collect(Duplex.from(stream) as AsyncIterable<RecordBatch>),
};

describe("sparkStream over rows", () => {
  for (const [name, input] of Object.entries(inputs)) {
    it(`gives every row of ${name} once and in order`, async () => {
      const stream = sparkStream(input());
      expect(idsOf(await collect(stream))).to.deep.equal(allIds);
    });
  }

  for (const [name, consume] of Object.entries(consumers)) {
    it(`is consumed whole by ${name}, and closes`, async () => {
      for (const options of [{}, { readAheadBytes: 1 }]) {
        const stream = sparkStream(generated(), options);
        const closed = once(stream, "close");
        expect(idsOf(await consume(stream))).to.deep.equal(allIds);
        await closed;
        expect(stream.destroyed).to.equal(true);
        expect(stream.errored).to.equal(null);
      }
    });
  }

  it("is a core Readable in object mode that holds one batch", () => {
    const stream = sparkStream(rows);
    expect(stream).to.be.instanceOf(Readable).and.instanceOf(SparkStream);
    expect(stream).to.include({ readableObjectMode: true, readableHighWaterMark: 1, readableFlowing: null });
    stream.destroy();
  });

  it("gives record batches of apache-arrow that share one schema", async () => {
    const stream = sparkStream(rows);
    const schema = await stream.schema;
    for (const batch of await stream.toArray()) {
      expect(batch).to.be.instanceOf(RecordBatch);
      expect((batch as RecordBatch).schema).to.equal(schema);
    }
  });

  it("gives the batches of a row that has several, and those of one without an end-of-stream mark", async () => {
    const several = [
      { arrow_ipc_bytes: ipcOf(...batches.slice(0, 5)) },
      { arrow_ipc_bytes: ipcOf(...batches.slice(5, 9)).subarray(0, -8) },
    ];
    expect(idsOf(await collect(sparkStream(several)))).to.deep.equal(allIds.slice(0, 9 * PER_BATCH));
  });

  it("takes rows whose bytes are Buffers, or come from another realm", async () => {
    const foreign = runInNewContext("Uint8Array.from(bytes)", { bytes: rows[1]!.arrow_ipc_bytes }) as Uint8Array;
    expect(foreign).not.to.be.instanceOf(Uint8Array);
    const mixed = [{ arrow_ipc_bytes: foreign }, { arrow_ipc_bytes: Buffer.from(rows[2]!.arrow_ipc_bytes) }];
    expect(idsOf(await collect(sparkStream(mixed)))).to.deep.equal(allIds.slice(PER_BATCH, 3 * PER_BATCH));
  });

  it("changes nothing in the rows that it reads, so that they can be read again", async () => {
    const unaligned = rows.map(({ arrow_ipc_bytes }) => {
      const larger = new Uint8Array(arrow_ipc_bytes.length + 16);
      larger.set(arrow_ipc_bytes, 5);
      return { arrow_ipc_bytes: larger.subarray(5, 5 + arrow_ipc_bytes.length) };
    });
    for (let time = 0; time < 2; time++) expect(idsOf(await collect(sparkStream(unaligned)))).to.deep.equal(allIds);
    for (const [index, row] of unaligned.entries()) {
      expect(Buffer.compare(row.arrow_ipc_bytes, rows[index]!.arrow_ipc_bytes)).to.equal(0);
    }
  });

  it("starts at once, before anybody reads", async () => {
    let started = 0;
    const stream = sparkStream(
      (async function* () {
        started++;
        yield* rows;
      })(),
    );
    await until(() => started === 1, "the source is asked");
    stream.destroy();
  });

  it("can be consumed by one helper after the other", async () => {
    const stream = sparkStream(generated());
    const some = await stream
      .drop(1)
      .filter((batch: RecordBatch) => batch.getChild("id")!.get(0) % 2 === 0)
      .take(3)
      .toArray();
    expect(idsOf(some as RecordBatch[])).to.deep.equal([6, 7, 8, 12, 13, 14, 18, 19, 20]);
    await finished(stream).catch(() => {}); // to Node, a stream of which not all was wanted is aborted
    expect(stream.destroyed).to.equal(true);
  });

  it("reports its end to finished(), of callbacks and of promises", async () => {
    const stream = sparkStream(rows);
    const called = new Promise((resolve) => finishedCallback(stream, resolve));
    const settled = finished(stream);
    stream.resume();
    await settled;
    expect(await called).to.equal(undefined);
  });

  describe("and its schema", () => {
    it("is known before the first batch, to whoever reads nothing", async () => {
      const stream = sparkStream(generated());
      const { names } = await stream.schema;
      expect(names).to.deep.equal(["id", "text"]);
      expect(stream.readableDidRead).to.equal(false);
      stream.destroy();
    });

    it("has settled when the first batch arrives", async () => {
      const stream = sparkStream(generated());
      let settled = false;
      void stream.schema.then(() => {
        settled = true;
      });
      for await (const _ of stream) {
        expect(settled).to.equal(true);
        break;
      }
    });

    it("is known of an empty result, with the one empty batch", async () => {
      const stream = sparkStream([{ arrow_ipc_bytes: ipcOf(batches[0]!.slice(0, 0)) }]);
      const { names } = await stream.schema;
      const found = await collect(stream);
      expect(names).to.deep.equal(["id", "text"]);
      expect(found.map(({ numRows }) => numRows)).to.deep.equal([0]);
    });

    // The record batch was made with arguments that apache-arrow does not take: the process ended with a TypeError.
    it("comes as one empty batch where no row has a batch", async () => {
      const { schema } = batches[0]!;
      for (const count of [1, 3]) {
        const stream = sparkStream(Array(count).fill({ arrow_ipc_bytes: ipcOfSchema(schema) }));
        const found = await collect(stream);
        expect(found).to.have.length(1);
        expect(found[0]).to.be.instanceOf(RecordBatch);
        expect(found[0]!.numRows).to.equal(0);
        expect(found[0]!.schema).to.equal(await stream.schema);
        expect(found[0]!.getChild("text")!.toJSON()).to.deep.equal([]);
      }
    });

    it("is not repeated by an empty batch where some rows have batches and others have none", async () => {
      const none = { arrow_ipc_bytes: ipcOfSchema(batches[0]!.schema) };
      const found = await collect(sparkStream([none, rows[0]!, none]));
      expect(found.map(({ numRows }) => numRows)).to.deep.equal([PER_BATCH]);
    });

    it("rejects with the stream's error where that comes first", async () => {
      const stream = sparkStream([{ arrow_ipc_bytes: new Uint8Array(9) }]);
      const [[error], rejected] = await Promise.all([once(stream, "error"), failureOf(stream.schema)]);
      expect(error).to.have.property("code", "INVALID_IPC");
      expect(rejected).to.equal(error);
    });

    it("rejects where the stream is destroyed before, or there is no row at all", async () => {
      const destroyed = sparkStream(rows);
      destroyed.destroy();
      expect(await failureOf(destroyed.schema)).to.have.property("code", "INVALID_INPUT");
      const empty = sparkStream([]);
      expect(await collect(empty)).to.deep.equal([]);
      expect(await failureOf(empty.schema)).to.have.property("code", "INVALID_INPUT");
    });

    it("stays what it was when the stream fails later, or is destroyed", async () => {
      const stream = sparkStream([rows[0]!, { arrow_ipc_bytes: new Uint8Array(9) }]);
      expect(await failureOf(collect(stream))).to.have.property("code", "INVALID_IPC");
      expect((await stream.schema).names).to.deep.equal(["id", "text"]);
    });

    it("that nobody asks for is no unhandled rejection", async () => {
      const unhandled: unknown[] = [];
      const listener = (reason: unknown) => unhandled.push(reason);
      process.on("unhandledRejection", listener);
      try {
        const failing = sparkStream([{ arrow_ipc_bytes: new Uint8Array(9) }]);
        await once(failing, "error");
        sparkStream(rows).destroy();
        sparkStream([]).resume();
        for (let turn = 0; turn < 5; turn++) await setImmediate();
      } finally {
        process.off("unhandledRejection", listener);
      }
      expect(unhandled).to.deep.equal([]);
    });
  });

  describe("refuses at the call", () => {
    const refusal = (call: () => unknown): SparkStreamError => {
      try {
        call();
      } catch (error) {
        expect(error).to.be.instanceOf(SparkStreamError);
        return error as SparkStreamError;
      }
      expect.fail("it was accepted");
    };

    for (const input of [null, undefined, 5, "text", {}, () => rows, Promise.resolve(rows), new Writable()]) {
      const shown = typeof input === "object" && input ? input.constructor.name : String(input);
      it(`${shown}, which gives no rows`, () => {
        expect(refusal(() => sparkStream(input as never))).to.have.property("code", "INVALID_INPUT");
      });
    }

    const used: Record<string, () => unknown> = {
      "a core Readable that was destroyed": () => Readable.from(rows).destroy(),
      "a core Readable that has ended": async () => {
        const stream = Readable.from(rows, { autoDestroy: false });
        await collect(stream);
        return stream;
      },
      "a core Readable of which something was read": async () => {
        const stream = Readable.from(rows);
        await once(stream, "readable");
        stream.read();
        return stream;
      },
      "a streamx Readable that was destroyed": async () => {
        const stream = new StreamxReadable();
        stream.destroy();
        await once(stream, "close");
        return stream;
      },
      "a web ReadableStream that is locked": () => {
        const stream = ReadableStream.from(rows);
        stream.getReader();
        return stream;
      },
      "a web ReadableStream of which something was read": async () => {
        const stream = ReadableStream.from(rows);
        const reader = stream.getReader();
        await reader.read();
        reader.releaseLock();
        return stream;
      },
      "a web ReadableStream that was consumed": async () => {
        const stream = ReadableStream.from(rows);
        await collect(stream);
        return stream;
      },
    };
    for (const [name, make] of Object.entries(used)) {
      it(`${name}, whose rows would be missing`, async () => {
        const input = await make();
        expect(refusal(() => sparkStream(input as never))).to.have.property("code", "INVALID_INPUT");
      });
    }

    const options: [options: object, says: string][] = [
      [{ readAhead: 5 }, 'Unknown option "readAhead" of'],
      [{ readAheadBytes: 0 }, 'Option "readAheadBytes" of sparkStream() must be a number of bytes, 1 or more, not 0.'],
      [{ readAheadBytes: Number.NaN }, "1 or more, not NaN."],
      [{ readAheadBytes: "16" }, '1 or more, not "16".'],
      [{ readAheadBytes: 5n }, "1 or more, not 5n."],
      [{ maxRecordsPerBatch: 0 }, '"maxRecordsPerBatch" of sparkStream() must be a whole number of rows from 1 to'],
      [{ maxRecordsPerBatch: 1.5 }, "not 1.5."],
      [{ maxRecordsPerBatch: 2 ** 31 }, "from 1 to 2147483647, not 2147483648."],
      [{ tags: "nightly" }, '"tags" of sparkStream() must be an array of strings'],
      [{ tags: ["a,b"] }, 'none of them empty or with a comma, not ["a,b"].'],
      [{ tags: [""] }, "none of them empty"],
      [{ tags: [7] }, "an array of strings"],
      [{ compression: "lz4" }, '"compression" of sparkStream() must be "none" or "zstd"'],
      [{ delivery: "push-me" }, 'must be "result", "staged", "push" or "stored", not "push-me".'],
      [{ delivery: null }, '"delivery" of'],
      [{ windowBytes: 1 }, 'Unknown option "windowBytes" of sparkStream()'],
      [{ staged: { windowBytes: 1 } }, 'Option "staged" of sparkStream() needs delivery: "staged".'],
      [{ delivery: "result", staged: { partitions: [0] } }, '"staged" of sparkStream() needs delivery: "staged".'],
      [{ delivery: "staged", staged: { path: "a", table: "b" } }, '"staged.path" and "staged.table"'],
      [{ delivery: "staged", staged: { path: "a", collectGarbage: true } }, "needs a checkpoint"],
      [{ delivery: "staged", staged: { path: "" } }, '"staged.path"'],
      [{ delivery: "staged", staged: { windowBytes: 0 } }, "1 or more, not 0."],
      [{ delivery: "staged", staged: { windowBytes: Number.NaN } }, '"staged.windowBytes"'],
      [{ delivery: "staged", staged: { partitions: [] } }, "a non-empty array of partition ids"],
      [{ delivery: "staged", staged: { partitions: [-1] } }, "whole numbers from 0"],
      [{ delivery: "staged", staged: { partitions: 3 } }, "array of partition ids"],
      [
        { delivery: "staged", staged: { collectGarbage: "no" } },
        '"staged.collectGarbage" of sparkStream() must be true or false',
      ],
      [{ delivery: "staged" }, 'Option "delivery" of sparkStream() needs a DataFrame, if it is "staged".'],
      [{ delivery: "push" }, 'needs a DataFrame, if it is "push".'],
      [{ delivery: "push", staged: {} }, 'needs delivery: "staged"'],
      [{ push: {} }, 'Option "push" of sparkStream() needs delivery: "push".'],
      [{ delivery: "push", push: "yes" }, '"push" of sparkStream() must be an object of options, not "yes".'],
      [
        { delivery: "push", push: { hots: "a" } },
        'Unknown option "push.hots" of sparkStream(). Did you mean "push.host"? Known options: push.host, push.port,',
      ],
      [{ delivery: "push", push: { host: "" } }, '"push.host" of sparkStream() must be a non-empty string'],
      [{ delivery: "push", push: { port: 65536 } }, "a whole number from 0 to 65535, not 65536."],
      [{ delivery: "push", push: { advertise: 5 } }, '"push.advertise"'],
      [{ delivery: "push", push: { tls: "yes" } }, '"push.tls" of sparkStream() must be true or false'],
      [{ delivery: "push", push: { order: "size" } }, 'must be "arrival" or "partition", not "size".'],
      [{ delivery: "push", push: { spool: 1 } }, '"push.spool"'],
      [{ requestedSchema: ["id"] }, '"requestedSchema" of sparkStream() must be an apache-arrow Schema'],
      [{ requestedSchema: new Schema([]) }, '"requestedSchema" of sparkStream() needs a DataFrame.'],
      [{ signal: {} }, '"signal" of sparkStream() must be an AbortSignal, not an object.'],
      [{ signal: null }, "must be an AbortSignal, not null."],
    ];
    for (const [wrong, says] of options) {
      const shown = JSON.stringify(wrong, (_key, value) => (typeof value === "bigint" ? `${value}n` : value));
      it(`the options ${shown}, and leaves the input untouched`, async () => {
        const input = ReadableStream.from(rows);
        const error = refusal(() => sparkStream(input, wrong as SparkStreamOptions));
        expect(error).to.include({ code: "INVALID_ARGUMENT" }).with.property("message").that.includes(says);
        expect(input.locked).to.equal(false);
        expect(idsOf(await collect(sparkStream(input)))).to.deep.equal(allIds);
      });
    }

    it("no option that is undefined", async () => {
      const options = { signal: undefined, readAheadBytes: undefined } as unknown as SparkStreamOptions;
      expect(idsOf(await collect(sparkStream(rows, options)))).to.deep.equal(allIds);
    });
  });

  describe("fails on a row that is none, and says which", () => {
    const wrong: [what: unknown, says: string][] = [
      [null, "missing"],
      [undefined, "missing"],
      [5, "missing"],
      [{}, "missing"],
      [{ arrow_ipc_bytes: null }, "null"],
      [{ arrow_ipc_bytes: "text" }, "a string"],
      [{ arrow_ipc_bytes: [1, 2] }, "a object"],
      [{ arrow_ipc_bytes: new ArrayBuffer(8) }, "a object"],
      [new Uint8Array(8), "missing"],
    ];
    for (const [row, found] of wrong) {
      it(`for ${JSON.stringify(row)}`, async () => {
        const error = await failureOf(collect(sparkStream([rows[0], row] as Row[])));
        expect(error).to.be.instanceOf(SparkStreamError).with.property("code", "INVALID_INPUT");
        expect(error.message)
          .to.match(/^Row 1 of the stream/)
          .and.to.include(`must be a Uint8Array, but is ${found}`);
      });
    }

    it("for bytes that are no Arrow IPC stream", async () => {
      const error = await failureOf(collect(sparkStream([rows[0]!, rows[1]!, { arrow_ipc_bytes: new Uint8Array(0) }])));
      expect(error).to.have.property("code", "INVALID_IPC");
      expect(error.message).to.match(/^Row 2 of the stream/);
    });

    it("for a row of another schema", async () => {
      const other = ipcOfSchema(new Schema([new Field("id", new Utf8(), true)]));
      const error = await failureOf(collect(sparkStream([rows[0]!, { arrow_ipc_bytes: other }])));
      expect(error).to.have.property("code", "SCHEMA_MISMATCH");
    });
  });
});
