// A program that listens to nothing: its streams and writers fail, and it must live on. Arguments: a part, a server's URL.
import { once } from "node:events";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import {
  arrowIpcBytes,
  arrowWriter,
  connect,
  csvWriter,
  ndjsonWriter,
  parquetWriter,
  rows,
  sparkStream,
  splitSparkStream,
} from "../../lib/index.js";
import { temporaryDirectory } from "./temporary-directory.js";

const [part, url] = process.argv.slice(2);
const spark = await connect(url);
const frame = spark.table("nope");
const sink = () => new Writable({ objectMode: true, write: (_chunk, _encoding, callback) => callback() });
const missing = join(temporaryDirectory("nobody"), "missing", "x");

async function caught(name: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
    console.log(`${name}: no error`);
  } catch (error) {
    console.log(`${name}: ${(error as { code: string }).code}`);
  }
  for (let turn = 0; turn < 10; turn++) await setImmediate();
}

/** The stream, when it has failed and what would come of that has come. */
async function failed<S extends Readable | Writable>(stream: S): Promise<S> {
  while (!stream.errored) await setImmediate();
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  return stream;
}

if (part === "caught") {
  await caught("schema of sparkStream", () => sparkStream(frame).schema);
  await caught("schema of arrowIpcBytes", () => arrowIpcBytes(frame).schema);
  await caught("schema of splitSparkStream", () => Promise.all(splitSparkStream(frame, 2).map(({ schema }) => schema)));
  await caught("a schema that nobody handles, and a pipeline", async () => {
    const stream = sparkStream(frame);
    const names = stream.schema;
    await pipeline(stream, sink());
    void names;
  });
  await caught("late pipeline", async () => await pipeline(await failed(sparkStream(frame)), sink()));
  await caught("late for await", async () => {
    for await (const _ of await failed(sparkStream(frame))) throw new Error("there is nothing");
  });
  await caught("late Readable.toWeb", async () => {
    const web = Readable.toWeb(await failed(arrowIpcBytes(frame)));
    await web.pipeTo(new WritableStream());
  });
  await caught("late consumer of compose(rows())", async () => {
    const stream = sparkStream(frame);
    const composed = stream.compose(rows());
    await failed(stream);
    for await (const _ of composed) throw new Error("there is nothing");
  });
  await caught("await using", async () => {
    await using stream = sparkStream(frame);
    await stream.schema;
  });
  for (const writer of [parquetWriter, arrowWriter, ndjsonWriter, csvWriter]) {
    await caught(`late ${writer.name}`, async () => await pipeline(Readable.from([]), await failed(writer(missing))));
  }
  const signal = AbortSignal.abort();
  await caught("aborted stream", async () => await pipeline(await failed(sparkStream(frame, { signal })), sink()));
  await caught(
    "aborted writer",
    async () => await pipeline(Readable.from([]), await failed(csvWriter(missing, { signal }))),
  );
  await caught("aborted rows", async () => await pipeline(Readable.from([]), await failed(rows({ signal })), sink()));
} else if (part === "ignored") {
  const streams = [
    sparkStream(frame),
    arrowIpcBytes(frame),
    ...splitSparkStream(frame, 3),
    sparkStream([{ arrow_ipc_bytes: new Uint8Array(9) }]),
    csvWriter(missing),
    rows({ signal: AbortSignal.abort() }),
  ];
  for (const stream of streams) await failed(stream);
  console.log("the end");
} else {
  sparkStream(frame).on("data", () => {});
  await once(process, "never");
}
