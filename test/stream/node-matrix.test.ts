// Everything that Node does with a Readable, done with this one: the table of docs/streams.md, a test for each line of it.
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import * as stream from "node:stream";
import { addAbortSignal, compose, PassThrough, Readable, Transform, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { TransformStream, WritableStream } from "node:stream/web";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Int32, type RecordBatch, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { Writable as StreamxWritable, pipeline as streamxPipeline } from "streamx";
import { arrowIpcBytes, type SparkStream, sparkStream } from "../../lib/index.js";
import { batchOf, rowsOf } from "../support/ipc.js";
import { idBatches, idsOf as idsOfStream, scripted, within } from "../support/scripted.js";
import { turns, until } from "../support/until.js";

const COUNT = 30;
const input = rowsOf(...Array.from({ length: COUNT }, (_, id) => batchOf({ id: vectorFromArray([id], new Int32()) })));
const all = Array.from({ length: COUNT }, (_, id) => id);
const idOf = (batch: unknown) => (batch as RecordBatch).getChildAt(0)?.get(0) as number;

/** A stream of 30 batches of one id each; and whether its source has been let go of. */
function open(): { batches: SparkStream; source: { taken: number; closed: boolean } } {
  const source = { taken: 0, closed: false };
  async function* rows() {
    try {
      for (const row of input) {
        await setImmediate();
        source.taken++;
        yield row;
      }
    } finally {
      source.closed = true;
    }
  }
  return { batches: sparkStream(rows(), { readAheadBytes: 1 }), source };
}

function collector(onBatch: (ids: number[]) => void = () => {}): { sink: Writable; ids: number[] } {
  const ids: number[] = [];
  const sink = new Writable({
    objectMode: true,
    highWaterMark: 1,
    write(batch, _encoding, callback) {
      ids.push(idOf(batch));
      onBatch(ids);
      global.setImmediate(callback);
    },
  });
  return { sink, ids };
}

const through = () =>
  new Transform({ objectMode: true, highWaterMark: 1, transform: (batch, _encoding, done) => done(null, batch) });

async function idsOf(batches: AsyncIterable<unknown>): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of batches) ids.push(idOf(batch));
  return ids;
}

/** What gives all ids. */
const whole: Readonly<Record<string, (batches: SparkStream) => Promise<number[]>>> = {
  "pipeline with promises": async (batches) => {
    const { sink, ids } = collector();
    await pipeline(batches, through(), sink, { signal: new AbortController().signal });
    return ids;
  },
  "pipeline with a callback": async (batches) => {
    const { sink, ids } = collector();
    await new Promise<void>((resolve, reject) => {
      stream.pipeline(batches, through(), sink, (error) => (error ? reject(error) : resolve()));
    });
    return ids;
  },
  finished: async (batches) => {
    const ids: number[] = [];
    batches.on("data", (batch) => ids.push(idOf(batch)));
    await finished(batches);
    return ids;
  },
  "compose, as a method and as a function": async (batches) =>
    await idsOf(compose(batches.compose(through()), through()) as AsyncIterable<unknown>),
  "Readable.from round trip": (batches) => idsOf(Readable.from(batches)),
  "for await": idsOf,
  map: (batches) => batches.map(idOf).toArray(),
  "map with concurrency": (batches) =>
    batches
      .map(
        async (batch) => {
          await turns((idOf(batch) * 7) % 5); // one overtakes the other
          return idOf(batch);
        },
        { concurrency: 4 },
      )
      .toArray(),
  filter: (batches) =>
    batches
      .filter(() => true)
      .map(idOf)
      .toArray(),
  flatMap: (batches) => batches.flatMap((batch) => [idOf(batch)]).toArray(),
  "forEach with concurrency": async (batches) => {
    const ids: number[] = [];
    await batches.forEach(
      async (batch) => {
        await setImmediate();
        ids.push(idOf(batch));
      },
      { concurrency: 3 },
    );
    return ids.sort((a, b) => a - b);
  },
  reduce: (batches) => batches.reduce((ids: number[], batch) => ids.concat(idOf(batch)), []),
  toArray: async (batches) => (await batches.toArray()).map(idOf),
  "Readable.toWeb, pipeThrough and pipeTo": async (batches) => {
    const ids: number[] = [];
    const to = new WritableStream({ write: (batch) => void ids.push(idOf(batch)) });
    await Readable.toWeb(batches).pipeThrough(new TransformStream()).pipeTo(to);
    return ids;
  },
  "Readable.fromWeb, back again": (batches) => idsOf(Readable.fromWeb(Readable.toWeb(batches), { objectMode: true })),
  "a fan-out to two PassThroughs, one of them slow": async (batches) => {
    const [fast, slow] = [collector(), collector()];
    const [one, two] = [new PassThrough({ objectMode: true }), new PassThrough({ objectMode: true, highWaterMark: 1 })];
    batches.pipe(one);
    batches.pipe(two);
    await Promise.all([pipeline(one, fast.sink), pipeline(two, through(), slow.sink)]);
    expect(slow.ids).to.deep.equal(fast.ids);
    return fast.ids;
  },
  "streamx's pipeline": async (batches) => {
    const ids: number[] = [];
    const sink = new StreamxWritable({
      write(batch: RecordBatch, callback) {
        ids.push(idOf(batch));
        callback(null);
      },
    });
    await new Promise<void>((resolve, reject) => {
      streamxPipeline(batches as never, sink, (error) => (error ? reject(error) : resolve()));
    });
    return ids;
  },
  "data events": async (batches) => {
    const ids: number[] = [];
    batches.on("data", (batch) => ids.push(idOf(batch)));
    await once(batches, "end");
    return ids;
  },
  "readable events": async (batches) => {
    const ids: number[] = [];
    batches.on("readable", () => {
      for (let batch = batches.read(); batch !== null; batch = batches.read()) ids.push(idOf(batch));
    });
    await once(batches, "end");
    return ids;
  },
  "a long pause": async (batches) => {
    const ids: number[] = [];
    batches.on("data", (batch) => {
      ids.push(idOf(batch));
      if (ids.length !== 5) return;
      batches.pause();
      void turns().then(() => batches.resume());
    });
    await once(batches, "end");
    return ids;
  },
};

const boom = new Error("boom");

/** What stops the stream early, and the error that comes of it, if one does. */
const stops: Readonly<Record<string, (batches: SparkStream) => Promise<unknown>>> = {
  "a break out of for await": async (batches) => {
    for await (const _ of batches) break;
  },
  "a throw within for await": async (batches) => {
    for await (const _ of batches) throw boom;
  },
  "a return out of for await": async (batches) => {
    const first = async () => {
      for await (const batch of batches) return idOf(batch);
    };
    expect(await first()).to.equal(0);
  },
  "take, with its 3 batches": async (batches) => {
    expect(await batches.take(3).map(idOf).toArray()).to.deep.equal([0, 1, 2]);
  },
  "drop and take": async (batches) => {
    expect(await batches.drop(2).take(2).map(idOf).toArray()).to.deep.equal([2, 3]);
  },
  "find, which has what it wants": async (batches) => {
    expect(idOf(await batches.find((batch) => idOf(batch) === 4))).to.equal(4);
  },
  "await using": async (batches) => {
    await using used = batches;
    expect(
      idOf(
        await used
          .iterator({ destroyOnReturn: false })
          .next()
          .then(({ value }) => value),
      ),
    ).to.equal(0);
  },
  "addAbortSignal, between batches": async (batches) => {
    const controller = new AbortController();
    addAbortSignal(controller.signal, batches);
    for await (const batch of batches) if (idOf(batch) === 3) controller.abort();
  },
  "pipeline's signal": async (batches) => {
    const controller = new AbortController();
    const { sink } = collector((ids) => ids.length === 3 && controller.abort());
    await pipeline(batches, through(), sink, { signal: controller.signal });
  },
  "the sink's failure in a pipeline": async (batches) => {
    const { sink } = collector((ids) => ids.length === 3 && sink.destroy(boom));
    await pipeline(batches, through(), sink);
  },
  "a transform's failure in a pipeline with a callback": (batches) =>
    new Promise<void>((resolve, reject) => {
      const failing = new Transform({ objectMode: true, transform: (_batch, _encoding, done) => done(boom) });
      stream.pipeline(batches, failing, collector().sink, (error) => (error ? reject(error) : resolve()));
    }),
  "destroy(err) before the first read": async (batches) => {
    batches.destroy(boom);
    await finished(batches);
  },
  "destroy(err) between batches": async (batches) => {
    batches.on("data", (batch) => idOf(batch) === 3 && batches.destroy(boom));
    await finished(batches);
  },
  "cancel() of the web stream": async (batches) => {
    const reader = Readable.toWeb(batches).getReader();
    await reader.read();
    await reader.cancel();
  },
  "a web sink that fails": async (batches) => {
    const to = new WritableStream({
      write() {
        throw boom;
      },
    });
    await Readable.toWeb(batches).pipeTo(to);
  },
};

describe("A stream in every composition of Node", () => {
  it("is a core Readable in object mode, whose highWaterMark is one batch", () => {
    const { batches } = open();
    expect(batches).to.be.instanceOf(Readable);
    expect([batches.readableObjectMode, batches.readableHighWaterMark]).to.deep.equal([true, 1]);
    batches.destroy();
  });

  for (const [name, consume] of Object.entries(whole)) {
    it(`gives all its batches in order, and closes: ${name}`, async () => {
      const { batches, source } = open();
      expect(await consume(batches)).to.deep.equal(all);
      await within(1000, () => expect([source.closed, batches.closed]).to.deep.equal([true, true]));
    });
  }

  for (const [name, stop] of Object.entries(stops)) {
    it(`stops its source, and closes: ${name}`, async () => {
      const { batches, source } = open();
      batches.on("error", () => {});
      const error = await stop(batches).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined && error !== boom) expect(error).to.have.property("name", "AbortError");
      await within(1000, () => expect([batches.destroyed, batches.closed]).to.deep.equal([true, true]));
      await within(1000, () => expect(source.closed || source.taken === 0).to.equal(true));
      expect(source.taken).to.be.below(COUNT);
    });
  }

  it("takes destroy(err) after its end for what it is: nothing", async () => {
    const { batches } = open();
    await batches.toArray();
    batches.destroy(boom);
    await turns();
    expect(batches.errored).to.equal(null);
  });

  it("stops the query when it is destroyed while connecting to it, or the session is asked for two at once", async () => {
    await using setting = await scripted({ batches: idBatches(10, 10, 10) });
    const { server, spark } = setting;
    const early = sparkStream(spark.sql("SELECT id FROM t"));
    early.on("error", () => {});
    early.destroy(boom);
    await within(1000, () => expect(early.closed).to.equal(true));

    const [one, two] = [0, 1].map(() => sparkStream(spark.sql("SELECT id FROM t")));
    const found = await Promise.all([idsOfStream(one!), idsOfStream(two!)]);
    expect(found.map(({ ids, error }) => [ids.length, error])).to.deep.equal([
      [30, undefined],
      [30, undefined],
    ]);
    await within(1000, () => {
      expect(new Set(server.operations.map(({ state }) => state))).to.deep.equal(new Set(["released"]));
    });
  });

  it("reads no further ahead than its highWaterMark and readAheadBytes while it is paused", async () => {
    const { batches, source } = open();
    batches.once("readable", () => {});
    await until(() => source.taken > 0, "it takes something");
    await turns();
    expect(source.taken).to.be.below(6);
    batches.destroy();
  });

  it("keeps the context of AsyncLocalStorage of whoever consumes it", async () => {
    const storage = new AsyncLocalStorage<string>();
    const found = await storage.run("mine", async () => {
      const { batches } = open();
      const seen = new Set<string | undefined>();
      for await (const _ of batches) seen.add(storage.getStore());
      const { sink } = collector(() => seen.add(storage.getStore()));
      await pipeline(open().batches, sink);
      return seen;
    });
    expect(found).to.deep.equal(new Set(["mine"]));
  });

  it("gives bytes that can be transferred to a worker, which decodes them", async () => {
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       const { tableFromIPC } = require("apache-arrow");
       const pieces = [];
       parentPort.on("message", (bytes) => {
         if (bytes) return pieces.push(bytes);
         parentPort.postMessage([...tableFromIPC(Buffer.concat(pieces)).getChild("id")]);
         parentPort.close();
       });`,
      { eval: true },
    );
    const answer = once(worker, "message");
    for await (const piece of arrowIpcBytes(input.map(({ arrow_ipc_bytes }) => ({ arrow_ipc_bytes })))) {
      const bytes = Uint8Array.from(piece as Uint8Array);
      worker.postMessage(bytes, [bytes.buffer]);
    }
    worker.postMessage(null);
    expect((await answer)[0]).to.deep.equal(all);
    await worker.terminate();
  });

  it("gives batches whose buffers are ArrayBuffers, so that a column can be handed to a worker", async () => {
    const [first] = await open().batches.take(1).toArray();
    const { values } = (first as RecordBatch).data.children[0]!;
    const copy = structuredClone(values.slice(), { transfer: [] });
    expect(values.buffer).to.be.instanceOf(ArrayBuffer);
    expect([...copy]).to.deep.equal([0]);
  });

  // A message of more than half of Buffer.poolSize (4 KiB) has memory of its own; smaller ones share Node's pool.
  it("gives batches of a query whose memory can be moved to a worker, not copied", async () => {
    await using fixture = await scripted({ batches: idBatches(10_000) });
    const [batch] = await sparkStream(fixture.spark.table("t")).toArray();
    const { values } = (batch as RecordBatch).data.children[0]!;
    const worker = new Worker(
      `const { parentPort } = require("node:worker_threads");
       parentPort.once("message", (ids) => parentPort.postMessage([ids.length, ids.at(-1)]));`,
      { eval: true },
    );
    const answer = once(worker, "message");
    worker.postMessage(values, [values.buffer]);
    expect((await answer)[0]).to.deep.equal([10_000, 9_999n]);
    expect(values.length).to.equal(0); // it is there now, and not here
    await worker.terminate();
  });

  const { duplexPair } = stream as unknown as { duplexPair?: (options: object) => [stream.Duplex, stream.Duplex] };
  (duplexPair ? it : it.skip)("goes through a duplexPair, from Node 22.6 on", async () => {
    const [near, far] = duplexPair!({ objectMode: true });
    const { batches } = open();
    const [ids] = await Promise.all([idsOf(far), pipeline(batches, near as unknown as Writable, { end: true })]);
    expect(ids).to.deep.equal(all);
  });
});
