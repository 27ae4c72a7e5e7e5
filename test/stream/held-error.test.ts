// An error that comes while nobody is there: it waits for somebody, and does not end the process.
import { execFile } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { getEventListeners, once } from "node:events";
import { compose, PassThrough, pipeline as pipelineWithCallback, Readable, Writable } from "node:stream";
import { finished, pipeline } from "node:stream/promises";
import { mock } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Int32, makeData, RecordBatch, Schema, Struct } from "apache-arrow";
import { expect } from "chai";
import { Writable as StreamxWritable, pipeline as streamxPipeline } from "streamx";
import {
  arrowIpcBytes,
  arrowWriter,
  csvWriter,
  ndjsonWriter,
  parquetWriter,
  rows,
  type SparkStream,
  sparkStream,
  splitSparkStream,
} from "../../lib/index.js";
import { type ScriptedServer, sparkError, startScriptedServer } from "../../lib/testing/index.js";
import { failureOf, rowsOf } from "../support/ipc.js";
import { idBatches, scripted, within } from "../support/scripted.js";
import { batchOfValues, directoryPerTest, writeAll } from "../support/writers.js";

type FailingStream = SparkStream | ReturnType<typeof arrowIpcBytes>;

const badQuery = {
  message: "[TABLE_OR_VIEW_NOT_FOUND] The table or view `nope` cannot be found. SQLSTATE: 42P01",
  errorClass: "TABLE_OR_VIEW_NOT_FOUND",
  sqlState: "42P01",
};

const failingServer = () =>
  scripted({
    batches: idBatches(10),
    respond: {
      executePlan() {
        throw sparkError(badQuery);
      },
    },
  });

/** Resolves when so many streams have failed. */
async function failures(count: number, act: () => void): Promise<Error[]> {
  const errors: Error[] = [];
  const note = (message: unknown) => errors.push((message as { error: Error }).error);
  subscribe("spark-arrow-stream:stream:error", note);
  try {
    act();
    await within(10_000, () => expect(errors).to.have.length(count));
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  } finally {
    unsubscribe("spark-arrow-stream:stream:error", note);
  }
  return errors;
}

const objects = () => new PassThrough({ objectMode: true });
const sink = () => new Writable({ objectMode: true, write: (_chunk, _encoding, callback) => callback() });

/** Everything that may come late to a Readable. Each rejects with what the stream fails with. */
const consumers: Readonly<Record<string, (stream: FailingStream) => Promise<unknown>>> = {
  pipeline: (stream) => pipeline(stream, sink()),
  "pipeline with a callback": (stream) =>
    new Promise<void>((resolve, reject) => {
      pipelineWithCallback(stream, objects(), sink(), (error) => (error ? reject(error) : resolve()));
    }),
  "streamx's pipeline": (stream) =>
    new Promise<void>((resolve, reject) => {
      const into = new StreamxWritable({ write: (_batch, callback) => callback(null) });
      streamxPipeline(stream as never, into, (error) => (error ? reject(error) : resolve()));
    }),
  finished: (stream) => finished(stream),
  "for await": async (stream) => {
    for await (const _ of stream) expect.fail("there is nothing");
  },
  toArray: (stream) => stream.toArray(),
  map: (stream) => stream.map((chunk) => chunk).toArray(),
  "compose, as a method": (stream) => stream.compose(objects()).toArray(),
  "compose, as a function": (stream) => (compose(stream, objects()) as Readable).toArray(),
  "Readable.from": (stream) => Readable.from(stream).toArray(),
  "Readable.toWeb": async (stream) => {
    for await (const _ of Readable.toWeb(stream)) expect.fail("there is nothing");
  },
  "a listener for 'error'": (stream) => new Promise((_, reject) => stream.on("error", reject)),
  "once('error')": (stream) => once(stream, "error").then(([error]) => Promise.reject(error)),
  "once('readable')": (stream) => once(stream, "readable"),
  "listeners for 'data' and 'error'": (stream) =>
    new Promise((_, reject) => stream.on("data", () => {}).on("error", reject)),
  "pipe, and a listener for 'error'": (stream) =>
    new Promise((_, reject) => stream.on("error", reject).pipe(sink(), { end: false })),
  "await using": async (stream) => {
    await using used = stream;
    void used;
  },
  schema: (stream) => stream.schema,
};

describe("An error that comes before any consumer", () => {
  let fixture: Awaited<ReturnType<typeof failingServer>>;
  before(async () => {
    fixture = await failingServer();
  });
  after(() => fixture[Symbol.asyncDispose]());

  const kinds: Readonly<Record<string, () => FailingStream>> = {
    sparkStream: () => sparkStream(fixture.spark.table("nope")),
    arrowIpcBytes: () => arrowIpcBytes(fixture.spark.table("nope")),
    "a stream of splitSparkStream": () => splitSparkStream(fixture.spark.table("nope"), 1)[0]!,
    "sparkStream whose signal was aborted before": () =>
      sparkStream(fixture.spark.table("nope"), { signal: AbortSignal.abort() }),
  };

  for (const [kind, open] of Object.entries(kinds)) {
    it(`waits for it, whoever it is: ${kind}`, async () => {
      const streams = new Map<string, FailingStream>();
      await failures(Object.keys(consumers).length, () => {
        for (const name of Object.keys(consumers)) streams.set(name, open());
      });
      for (const [name, consume] of Object.entries(consumers)) {
        const stream = streams.get(name)!;
        if (/aborted/.test(kind) && name === "await using") continue; // whoever aborts knows of it
        expect([stream.destroyed, stream.errored !== null], name).to.deep.equal([false, true]);
        const error = (await failureOf(consume(stream))) as NodeJS.ErrnoException;
        expect(error.code, `${name}: ${error.message}`).to.equal(/aborted/.test(kind) ? "ABORT_ERR" : "QUERY_FAILED");
        expect(stream.errored, name).to.equal(error);
        if (name !== "schema")
          await within(1_000, () => expect([stream.destroyed, stream.closed]).to.deep.equal([true, true]));
      }
    });

    it(`can be had twice, from schema and from a consumer after it, and is published once: ${kind}`, async () => {
      for (const [name, consume] of Object.entries(consumers)) {
        let stream!: FailingStream;
        const published = await failures(1, () => {
          stream = open();
          void stream.schema.catch(() => {});
        });
        const error = await failureOf(stream.schema);
        if (name !== "await using") expect(await failureOf(consume(stream)), name).to.equal(error);
        else await consume(stream); // it was told, and is not wrapped in a SuppressedError
        expect(published).to.deep.equal([error]);
      }
    });
  }

  it("waits for the consumer of what the stream was composed to", async () => {
    const composed = new Map<string, { stream: SparkStream; outlet: Readable }>();
    const names = Object.keys(consumers).filter((name) => !["schema", "await using"].includes(name));
    await failures(names.length, () => {
      for (const name of names) {
        const stream = sparkStream(fixture.spark.table("nope"));
        composed.set(name, { stream, outlet: stream.compose(rows()) });
      }
    });
    for (const name of names) {
      const { stream, outlet } = composed.get(name)!;
      expect([stream.destroyed, outlet.destroyed], name).to.deep.equal([false, false]);
      expect(await failureOf(consumers[name]!(outlet as FailingStream)), name).to.equal(stream.errored);
      await within(1_000, () => expect([stream.closed, outlet.closed]).to.deep.equal([true, true]));
    }
  });

  it("is that of rows() as well, if the stream was composed with it", async () => {
    const batch = batchOfValues({ id: [new Int32(), [1]] });
    const twice = new Schema([batch.schema.fields[0]!, batch.schema.fields[0]!]);
    const child = batch.data.children[0]!;
    const data = makeData({ type: new Struct(twice.fields), length: 1, nullCount: 0, children: [child, child] });
    const outlet = sparkStream(rowsOf(new RecordBatch(twice, data))).compose(rows());
    await within(1_000, () => expect(outlet.closed).to.equal(true));
    const error = await failureOf(outlet.toArray());
    expect(error).to.have.property("code", "INVALID_INPUT");
    expect(await failureOf(pipeline(outlet, sink()))).to.equal(error);
  });

  it("frees what the server holds at once, while it waits", async () => {
    await using setting = await scripted({
      batches: idBatches(10, 10),
      faults: [{ after: 2, do: { status: badQuery } }],
    });
    let stream!: SparkStream;
    const [error] = await failures(1, () => {
      stream = sparkStream(setting.spark.table("t"));
    });
    await within(5_000, () => expect(setting.server.operations.map(({ state }) => state)).to.deep.equal(["released"]));
    expect(stream.destroyed).to.equal(false);
    expect(await failureOf(stream.toArray())).to.equal(error);
  });

  it("closes the stream once schema was asked for, if somebody waits for its 'close'", async () => {
    for (const listenFirst of [true, false]) {
      const stream = sparkStream(fixture.spark.table("nope"));
      let closed = false;
      const listen = () =>
        stream.on("close", () => {
          closed = true;
        });
      if (listenFirst) listen();
      const error = await failureOf(stream.schema);
      if (!listenFirst) listen();
      await within(1_000, () => expect(closed).to.equal(true));
      expect(await failureOf(finished(stream))).to.equal(error);
    }
  });

  it("stays the stream's error when the stream is destroyed with another one", async () => {
    let stream!: SparkStream;
    const [error] = await failures(1, () => {
      stream = sparkStream(fixture.spark.table("nope"));
    });
    stream.destroy(new Error("another"));
    expect([stream.destroyed, stream.errored]).to.deep.equal([true, error]);
    expect(await failureOf(finished(stream))).to.equal(error);
  });

  it("of destroy(error) destroys at once, and needs no listener", async () => {
    const boom = new Error("boom");
    for (const stream of [sparkStream(fixture.spark.table("nope")), rows(), ndjsonWriter(sink())]) {
      stream.destroy(boom);
      expect(stream.destroyed).to.equal(true);
      await within(1_000, () => expect(stream.closed).to.equal(true));
      expect(await failureOf(finished(stream))).to.equal(boom);
    }
  });

  it("between two iterations over one stream waits for the second", async () => {
    let fail!: (error: Error) => void;
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    async function* source() {
      yield* rowsOf(...idBatches(1, 1));
      await failed;
    }
    const stream = sparkStream(source());
    for await (const _ of stream.iterator({ destroyOnReturn: false })) break;
    const [error] = await failures(1, () => fail(new Error("later")));
    expect(stream.destroyed).to.equal(false);
    expect(await failureOf(stream.toArray())).to.equal(error);
  });
});

describe("A writer's error that comes before its source", () => {
  const directory = directoryPerTest();

  const writers = { parquetWriter, arrowWriter, ndjsonWriter, csvWriter };
  const sources: Readonly<Record<string, (writer: Writable) => Promise<unknown>>> = {
    pipeline: (writer) => pipeline(Readable.from(idBatches(1)), writer),
    "the pipeline of a stream": (writer) => pipeline(sparkStream(rowsOf(...idBatches(1))), writer),
    finished: (writer) => finished(writer),
    "a listener for 'error'": (writer) => new Promise((_, reject) => writer.on("error", reject)),
    "pipe, and a listener for 'error'": (writer) =>
      new Promise((_, reject) => Readable.from(idBatches(1)).pipe(writer.on("error", reject))),
    "Writable.toWeb": (writer) => Readable.toWeb(Readable.from(idBatches(1))).pipeTo(Writable.toWeb(writer)),
    compose: async (writer) => {
      const composed = compose(Readable.from(idBatches(1)), writer);
      await finished(composed as unknown as Readable);
    },
    write: (writer) =>
      new Promise((_, reject) => {
        writer.write(idBatches(1)[0], (error) => error && reject(error));
        writer.on("error", () => {});
      }),
  };
  /** What fails, by the code that it fails with. */
  const failing: Readonly<Record<string, (writer: (typeof writers)["csvWriter"]) => Writable>> = {
    WRITE_FAILED: (writer) => writer(directory.path("missing/x")),
    ABORT_ERR: (writer) => writer(directory.path("aborted"), { signal: AbortSignal.abort() }),
    TARGET_CLOSED: (writer) => writer(new PassThrough().destroy()),
  };

  for (const [name, writer] of Object.entries(writers)) {
    for (const [code, open] of Object.entries(failing)) {
      it(`waits for it, whoever it is: ${code} of ${name}`, async () => {
        for (const [source, write] of Object.entries(sources)) {
          const target = open(writer as typeof csvWriter);
          await within(1_000, () => expect(target.errored).to.have.property("code", code));
          expect(target.destroyed, source).to.equal(false);
          expect(await failureOf(write(target)), source).to.equal(target.errored);
          await within(1_000, () => expect([target.destroyed, target.closed]).to.deep.equal([true, true]));
        }
        expect(await directory.files()).to.deep.equal([]);
      });
    }
  }

  it("removes what was there of its file at once, when its signal is aborted", async () => {
    const controller = new AbortController();
    const writer = csvWriter(directory.path("x"), { signal: controller.signal });
    while ((await directory.files()).length === 0) await setImmediate();
    controller.abort();
    expect(await directory.files()).to.deep.equal([]);
    expect(await failureOf(writeAll(idBatches(1), writer))).to.have.property("code", "ABORT_ERR");
  });

  it("is not that of a schema that rejects, until the schema is needed", async () => {
    const boom = new Error("boom");
    const schema = Promise.reject(boom);
    await writeAll(idBatches(1), csvWriter(directory.path("x"), { schema }));
    expect(await failureOf(writeAll([], csvWriter(directory.path("y"), { schema })))).to.equal(boom);
    expect(await directory.files()).to.deep.equal(["x"]);
  });

  it("waits for both sides of rows(), too", async () => {
    const open = () => rows({ signal: AbortSignal.abort() });
    const uses: ((transform: ReturnType<typeof rows>) => Promise<unknown>)[] = [
      (transform) => pipeline(Readable.from(idBatches(1)), transform, sink()),
      (transform) =>
        sparkStream(rowsOf(...idBatches(1)))
          .compose(transform)
          .toArray(),
      (transform) => finished(transform),
      (transform) => transform.toArray(),
    ];
    for (const use of uses) {
      const transform = open();
      await setImmediate();
      expect(transform.destroyed).to.equal(false);
      expect(await failureOf(use(transform))).to.have.property("code", "ABORT_ERR");
      await within(1_000, () => expect(transform.closed).to.equal(true));
    }
  });
});

describe("An error that nobody ever comes for", () => {
  const broken = () => sparkStream([{ arrow_ipc_bytes: new Uint8Array(9) }]);

  async function warnings(act: () => Promise<unknown>): Promise<(Error & { code?: string; detail?: string })[]> {
    const found: Error[] = [];
    const note = (warning: Error) => warning.name === "SparkStreamWarning" && found.push(warning);
    process.on("warning", note);
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      await act();
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    } finally {
      mock.timers.reset();
      process.off("warning", note);
    }
    return found;
  }

  async function failed(stream: Readable): Promise<void> {
    while (stream.errored === null) await setImmediate();
  }

  it("is a warning of the process after ten seconds, and is still there for who comes then", async () => {
    let stream!: SparkStream;
    const found = await warnings(async () => {
      stream = broken();
      await failed(stream);
      mock.timers.tick(9_999);
      await setImmediate();
      mock.timers.tick(1);
      mock.timers.tick(100_000);
    });
    expect(found).to.have.length(1);
    expect(found[0]).to.have.property("code", "UNSEEN_ERROR");
    expect(found[0]!.message).to.contain(stream.errored!.message).and.to.contain("INVALID_IPC");
    expect(await failureOf(stream.toArray())).to.equal(stream.errored);
  });

  it("is no warning where a consumer or schema had it, the stream was destroyed, or its signal aborted", async () => {
    const found = await warnings(async () => {
      const [read, asked, askedBefore, destroyed] = [broken(), broken(), broken(), broken()];
      const { schema } = askedBefore;
      for (const stream of [read, asked, askedBefore, destroyed]) await failed(stream);
      const aborted = sparkStream([], { signal: AbortSignal.abort() });
      await Promise.allSettled([read.toArray(), asked.schema, schema]);
      destroyed.destroy();
      rows({ signal: AbortSignal.abort() });
      mock.timers.tick(100_000);
      expect(aborted.errored).to.have.property("name", "AbortError");
    });
    expect(found).to.deep.equal([]);
  });

  it("is one warning for all streams of a split, and none where one of them was read", async () => {
    await using fixture = await failingServer();
    for (const readOne of [false, true]) {
      let streams: SparkStream[] = [];
      await failures(3, () => {
        streams = splitSparkStream(fixture.spark.table("nope"), 3);
      });
      if (readOne) await failureOf(streams[1]!.toArray());
      // The timers run already; what remains is that of beforeExit.
      const found: Error[] = [];
      const note = (warning: Error) => found.push(warning);
      process.on("warning", note);
      for (const listener of process.listeners("beforeExit")) listener.call(process, 0);
      for (let turn = 0; turn < 5; turn++) await setImmediate();
      process.off("warning", note);
      expect(found).to.have.length(readOne ? 0 : 1);
    }
  });

  it("leaves no listener at the process or at a signal", async () => {
    const before = process.listenerCount("beforeExit");
    const { signal } = new AbortController();
    const streams = [1, 2, 3].map(() => sparkStream([{ arrow_ipc_bytes: new Uint8Array(9) }], { signal }));
    for (const stream of streams) await failed(stream);
    expect(process.listenerCount("beforeExit")).to.equal(before + 1);
    expect(getEventListeners(signal, "abort")).to.have.length(0);
    for (const stream of streams) await failureOf(stream.toArray());
    expect(process.listenerCount("beforeExit")).to.equal(before);
  });
});

describe("A process without handlers", function () {
  this.timeout(60_000);
  const program = fileURLToPath(new URL("../support/nobody-there.ts", import.meta.url));
  let server: ScriptedServer;
  before(async () => {
    server = await startScriptedServer({
      respond: {
        executePlan() {
          throw sparkError(badQuery);
        },
      },
      batches: idBatches(1),
    });
  });
  after(() => server.close());
  const run = (part: string) =>
    promisify(execFile)(process.execPath, ["--import", "tsx", program, part, server.url], { timeout: 50_000 });

  it("goes on and ends with 0 where schema was awaited, or a consumer came late, and caught the error", async () => {
    const { stdout, stderr } = await run("caught");
    expect(stderr).to.equal("");
    expect(stdout.trim().split("\n")).to.deep.equal([
      "schema of sparkStream: QUERY_FAILED",
      "schema of arrowIpcBytes: QUERY_FAILED",
      "schema of splitSparkStream: QUERY_FAILED",
      "a schema that nobody handles, and a pipeline: QUERY_FAILED",
      "late pipeline: QUERY_FAILED",
      "late for await: QUERY_FAILED",
      "late Readable.toWeb: QUERY_FAILED",
      "late consumer of compose(rows()): QUERY_FAILED",
      "await using: QUERY_FAILED",
      "late parquetWriter: WRITE_FAILED",
      "late arrowWriter: WRITE_FAILED",
      "late ndjsonWriter: WRITE_FAILED",
      "late csvWriter: WRITE_FAILED",
      "aborted stream: ABORT_ERR",
      "aborted writer: ABORT_ERR",
      "aborted rows: ABORT_ERR",
    ]);
  });

  it("ends with 0 where nobody ever looked, with a warning that has the query's error", async () => {
    const { stdout, stderr } = await run("ignored");
    expect(stdout).to.equal("the end\n");
    expect(stderr.match(/\[UNSEEN_ERROR\] SparkStreamWarning/g)).to.have.length(5);
    expect(stderr.match(/cannot be found.* \[QUERY_FAILED\]/g)).to.have.length(3);
    expect(stderr.match(/missing\/x.* \[WRITE_FAILED\]/g)).to.have.length(1);
    expect(stderr.match(/\[INVALID_IPC\]/g)).to.have.length(1);
  });

  it("still ends as Node ends it where a consumer reads without a listener for 'error'", async () => {
    const error = (await failureOf(run("reads"))) as Error & { code?: number; stderr?: string };
    expect(error.code).to.equal(1);
    expect(error.stderr).to.contain("Unhandled 'error' event").and.to.contain("QUERY_FAILED");
  });
});
