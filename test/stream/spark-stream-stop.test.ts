import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";
import { setImmediate } from "node:timers/promises";
import { Int32, type RecordBatch, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { Readable as StreamxReadable } from "streamx";
import type { ArrowIpcRow } from "../../lib/chain/arrow-ipc-row.js";
import type { RowInput } from "../../lib/chain/input-rows.js";
import { SparkStreamError } from "../../lib/errors.js";
import { SparkStream, sparkStream } from "../../lib/spark-stream.js";
import { batchOf, collect, failureOf, ipcOf, type Row } from "../support/ipc.js";
import { inTime, turns, until } from "../support/until.js";

const batch = batchOf({ id: vectorFromArray([1, 2, 3], new Int32()) });
const row: Row = { arrow_ipc_bytes: ipcOf(batch) };

/** An input without end, and whether it was told to stop. */
interface Endless {
  readonly input: RowInput;
  readonly stopped: () => boolean;
}

const endless: Record<string, () => Endless> = {
  "a core Readable": () => {
    const input = new Readable({ objectMode: true, read: () => void input.push(row) });
    return { input, stopped: () => input.destroyed };
  },
  "a streamx Readable": () => {
    const input = new StreamxReadable({
      read(callback) {
        this.push(row);
        callback(null);
      },
    });
    return { input: input as unknown as AsyncIterable<Row>, stopped: () => input.destroying };
  },
  "a web ReadableStream": () => {
    let cancelled = false;
    const input = new ReadableStream<Row>({
      pull: (controller) => controller.enqueue(row),
      cancel: () => {
        cancelled = true;
      },
    });
    return { input, stopped: () => cancelled };
  },
  "an async generator": () => {
    let running = false;
    async function* rows() {
      running = true;
      try {
        for (;;) yield row;
      } finally {
        running = false;
      }
    }
    return { input: rows(), stopped: () => !running };
  },
  "a generator": () => {
    let running = false;
    function* rows() {
      running = true;
      try {
        for (;;) yield row;
      } finally {
        running = false;
      }
    }
    return { input: rows(), stopped: () => !running };
  },
};

/** Waits for the end of a stream, whatever it is. */
async function closed(stream: Readable): Promise<void> {
  await finished(stream).catch(() => {});
  if (!stream.closed) await once(stream, "close");
}

/** Ways to stop a stream early. Each resolves when the stream is closed. */
const stops: Record<string, (stream: SparkStream, controller: AbortController) => Promise<void>> = {
  "for await is left": async (stream) => {
    for await (const _ of stream) break;
    await closed(stream);
  },
  "for await throws": async (stream) => {
    const error = await failureOf(async () => {
      for await (const _ of stream) throw new Error("enough");
    });
    expect(error.message).to.equal("enough");
    await closed(stream);
  },
  "it is destroyed before anything was read": async (stream) => {
    stream.destroy();
    await closed(stream);
  },
  "it is destroyed in the middle of a batch's data event": async (stream) => {
    stream.once("data", () => stream.destroy());
    await closed(stream);
  },
  "it is destroyed between two batches": async (stream) => {
    await once(stream, "readable");
    stream.read();
    await turns();
    stream.destroy();
    await closed(stream);
  },
  "it is destroyed twice": async (stream) => {
    stream.destroy();
    stream.destroy(new Error("too late"));
    await closed(stream);
  },
  "its signal is aborted": async (stream, controller) => {
    stream.on("data", () => controller.abort());
    expect((await once(stream, "error"))[0]).to.have.property("name", "AbortError");
    await closed(stream);
  },
  "the Writable it is piped into fails": async (stream) => {
    const sink = new Writable({
      objectMode: true,
      write: (_batch, _encoding, callback) => callback(new Error("disk full")),
    });
    expect((await failureOf(pipeline(stream, sink))).message).to.equal("disk full");
    await closed(stream);
  },
  "the Writable it is piped into is destroyed": async (stream) => {
    const sink = new Writable({ objectMode: true, write: () => void sink.destroy() });
    await failureOf(pipeline(stream, sink));
    await closed(stream);
  },
  "an iterator helper has enough": async (stream) => {
    expect(await stream.take(2).toArray()).to.have.length(2);
    await closed(stream);
  },
  "its web stream is cancelled": async (stream) => {
    const reader = Readable.toWeb(stream).getReader();
    await reader.read();
    await reader.cancel();
    await closed(stream);
  },
};

/** Fails where something happens that nobody listens to. */
async function withoutStrays(run: () => Promise<void>): Promise<void> {
  const strays: unknown[] = [];
  const note = (stray: unknown) => strays.push(stray);
  process.on("unhandledRejection", note);
  process.on("uncaughtExceptionMonitor", note);
  try {
    await run();
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  } finally {
    process.off("unhandledRejection", note);
    process.off("uncaughtExceptionMonitor", note);
  }
  expect(strays).to.deep.equal([]);
}

describe("sparkStream over rows, stopped early,", () => {
  for (const [input, make] of Object.entries(endless)) {
    for (const [stop, act] of Object.entries(stops)) {
      it(`closes and stops ${input} when ${stop}`, async () => {
        await withoutStrays(async () => {
          const { input: rows, stopped } = make();
          const controller = new AbortController();
          const stream = sparkStream(rows, { signal: controller.signal, readAheadBytes: 4096 });
          await act(stream, controller);
          expect(stream.closed).to.equal(true);
          await setImmediate();
          expect(stopped(), `${input} is stopped`).to.equal(true);
        });
      });
    }
  }

  it("gives nothing more, and ends no stream, after it was destroyed", async () => {
    const several = { arrow_ipc_bytes: ipcOf(batch, batch, batch) };
    for (const destroyAt of [0, 1, 2, 4]) {
      const events: string[] = [];
      const stream = sparkStream(Array(5).fill(several));
      stream.on("end", () => events.push("end"));
      stream.on("data", () => {
        events.push(stream.destroyed ? "late" : "data");
        if (events.length === destroyAt) stream.destroy();
      });
      if (destroyAt === 0) stream.destroy();
      await once(stream, "close");
      await turns();
      expect(events).to.deep.equal(Array(destroyAt).fill("data"));
    }
  });

  it("does nothing with an input whose stream was aborted before it began", async () => {
    let pulled = 0;
    function* rows() {
      pulled++;
      yield row;
    }
    const stream = sparkStream(rows(), { signal: AbortSignal.abort(new Error("why")) });
    const [error] = await once(stream, "error");
    expect(error).to.include({ name: "AbortError" }).with.nested.property("cause.message", "why");
    expect(await failureOf(stream.schema)).to.equal(error);
    await turns();
    expect(pulled).to.equal(0);
  });

  it("is aborted while its consumer sleeps, and while its input does", async () => {
    for (const rows of [endless["an async generator"]!().input, hanging(row)]) {
      const controller = new AbortController();
      const stream = sparkStream(rows, { signal: controller.signal });
      await stream.schema;
      controller.abort();
      expect((await once(stream, "error"))[0]).to.have.property("name", "AbortError");
    }
  });

  it("lets go of its signal when it has ended", async () => {
    const controller = new AbortController();
    const stream = sparkStream([row], { signal: controller.signal });
    await collect(stream);
    controller.abort();
    await setImmediate();
    expect(stream.errored).to.equal(null);
  });

  const hang: Record<string, () => RowInput> = {
    "an async generator": () => hanging(row),
    "an async generator that hangs from the start": () => hanging(),
    "a core Readable": () => new Readable({ objectMode: true, read() {} }),
    "a web ReadableStream": () => new ReadableStream<Row>({ pull: () => new Promise(() => {}) }),
    "a streamx Readable": () => new StreamxReadable({ read() {} }) as unknown as AsyncIterable<Row>,
  };
  for (const [name, make] of Object.entries(hang)) {
    it(`is not held up by ${name} that never gives another row`, async () => {
      const stream = sparkStream(make());
      await turns();
      stream.destroy();
      await inTime(once(stream, "close"), "it is closed");
    });
  }

  it("closes only when its source has closed, and closes that once", async () => {
    for (const end of ["destroy", "read to the end", "fail"] as const) {
      let closes = 0;
      let released = false;
      const left = [row, row];
      const stream = new SparkStream(
        {
          async next(): Promise<ArrowIpcRow | undefined> {
            if (left.length === 0 && end === "fail") throw new Error("failed");
            return left.shift();
          },
          async close() {
            closes++;
            await turns();
            released = true;
          },
        },
        { readAheadBytes: 1 },
      );
      if (end === "destroy") stream.destroy();
      else stream.on("error", () => {}).resume();
      await closed(stream);
      expect(released, end).to.equal(true);
      expect(closes, end).to.equal(1);
    }
  });

  it("closes although its source cannot, and keeps its own error", async () => {
    const source = {
      next: () => Promise.reject(new Error("failed")),
      close: () => Promise.reject(new Error("cannot close")),
    };
    await withoutStrays(async () => {
      const stream = new SparkStream(source, { readAheadBytes: 1 });
      const [error] = await once(stream, "error");
      expect((error as Error).message).to.equal("failed");
      await closed(stream);
    });
  });

  it("hands on a generator's failure to clean up to nobody", async () => {
    await withoutStrays(async () => {
      async function* rows() {
        try {
          for (;;) yield row;
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: what is tested
          throw new Error("cannot clean up");
        }
      }
      for await (const _ of sparkStream(rows())) break;
    });
  });
});

/** Gives these rows, and then waits for ever. */
async function* hanging(...first: Row[]): AsyncGenerator<Row> {
  yield* first;
  await new Promise(() => {});
}

describe("sparkStream over rows whose source fails", () => {
  const failure = new Error("the connection broke");

  const failing: Record<string, () => RowInput> = {
    "a core Readable": () => {
      let given = 0;
      const input = new Readable({
        objectMode: true,
        read: () => void (given++ < 3 ? input.push(row) : input.destroy(failure)),
      });
      return input;
    },
    "a core Readable from a generator": () => Readable.from(threeRowsAndFailure()),
    "a streamx Readable": () => {
      let given = 0;
      const input = new StreamxReadable({
        read(callback) {
          if (given++ < 3) input.push(row);
          callback(given > 3 ? failure : null);
        },
      });
      return input as unknown as AsyncIterable<Row>;
    },
    "a web ReadableStream": () => {
      let given = 0;
      return new ReadableStream<Row>(
        { pull: (controller) => (given++ < 3 ? controller.enqueue(row) : controller.error(failure)) },
        { highWaterMark: 0 },
      );
    },
    "an async generator": () => threeRowsAndFailure(),
    "a generator": () =>
      (function* () {
        yield* [row, row, row];
        throw failure;
      })(),
  };

  async function* threeRowsAndFailure(): AsyncGenerator<Row> {
    yield* [row, row, row];
    throw failure;
  }

  for (const [name, make] of Object.entries(failing)) {
    it(`fails with the very error of ${name}, after no more rows than there were`, async () => {
      await withoutStrays(async () => {
        const stream = sparkStream(make());
        const found: RecordBatch[] = [];
        const error = await failureOf(async () => {
          for await (const each of stream) found.push(each);
        });
        expect(error).to.equal(failure);
        expect(found).to.have.length.at.most(3);
        expect(stream.errored).to.equal(failure);
      });
    });

    it(`fails with the error of ${name} although nobody reads`, async () => {
      const stream = sparkStream(make());
      const [error] = await once(stream, "error");
      expect(error).to.equal(failure);
      expect(stream.readableDidRead).to.equal(false);
      await closed(stream);
    });
  }

  it("fails as well where the source says nothing of why", async () => {
    // A web stream that failed so was asked for ever, and the process was busy with nothing else.
    const sources: [RowInput, RegExp][] = [
      [new ReadableStream<Row>({ start: (controller) => controller.error() }), /failed with undefined/],
      [rejecting(null), /failed with null/],
      [rejecting(0), /failed with 0/],
      [rejecting("text"), /failed with 'text'/],
    ];
    for (const [source, says] of sources) {
      const stream = sparkStream(source);
      const outcome = await inTime(failureOf(collect(stream)), "it fails");
      expect(outcome).to.be.instanceOf(SparkStreamError).with.property("code", "INVALID_INPUT");
      expect(outcome.message).to.match(says);
    }
  });

  function rejecting(reason: unknown): AsyncIterable<Row> {
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(reason) }) };
  }

  it("fails where the source is destroyed by somebody else, for whom the rows were not all", async () => {
    for (const make of ["a core Readable", "a streamx Readable"]) {
      const { input } = endless[make]!();
      const stream = sparkStream(input);
      const reading = failureOf(collect(stream));
      await stream.schema;
      (input as Readable).destroy();
      expect(await reading, make).to.be.instanceOf(Error);
      expect(stream.destroyed).to.equal(true);
    }
  });

  it("fails in a pipeline with the error of the source", async () => {
    const sink = new Writable({ objectMode: true, write: (_batch, _encoding, callback) => callback() });
    expect(await failureOf(pipeline(sparkStream(threeRowsAndFailure()), sink))).to.equal(failure);
    expect(sink.destroyed).to.equal(true);
  });

  it("has given whatever came more than one turn before the failure", async () => {
    let read = 0;
    async function* slowly() {
      for (let given = 0; given < 3; given++) {
        yield row;
        await until(() => read > given, "the row was read");
      }
      throw failure;
    }
    const error = await failureOf(async () => {
      for await (const _ of sparkStream(slowly())) read++;
    });
    expect(error).to.equal(failure);
    expect(read).to.equal(3);
  });
});
