/**
 * Record batches in memory to plain objects.
 *
 *   argv   the way; the file of frames that the batches come from
 */
import { open } from "node:fs/promises";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fromBinary } from "@bufbuild/protobuf";
import type { RecordBatch } from "apache-arrow";
import { ExecutePlanResponseSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { rows, sparkStream } from "../../lib/index.js";
import { measured, type Tally } from "./measured.js";

/** Batches of one pass. */
const BATCHES = 30;

const ways: Readonly<Record<string, (batches: readonly RecordBatch[], tally: Tally) => Promise<void>>> = {
  async toJSON(batches, tally) {
    for (const batch of batches) for (const row of [...batch].map((each) => each.toJSON())) if (row) tally.add(1);
  },
  async pipeline(batches, tally) {
    const sink = new Writable({
      objectMode: true,
      write(_row, _encoding, callback) {
        tally.add(1);
        callback();
      },
    });
    await pipeline(Readable.from(batches), rows(), sink);
  },
  async forAwait(batches, tally) {
    for await (const row of Readable.from(batches).compose(rows())) if (row) tally.add(1);
  },
};

const [way, frames] = process.argv.slice(2) as [string, string];

await measured(
  () => sparkStream(recordedRows(frames, BATCHES)).toArray() as Promise<RecordBatch[]>,
  (batches, _task, tally) => ways[way]!(batches, tally),
  async () => {},
);

/** The first rows of a recording. */
async function* recordedRows(path: string, count: number): AsyncGenerator<{ arrow_ipc_bytes: Uint8Array }> {
  await using file = await open(path);
  for (let found = 0, position = 0; found < count; ) {
    const prefix = Buffer.alloc(5);
    await file.read(prefix, 0, 5, position);
    const message = Buffer.alloc(prefix.readUInt32BE(1));
    await file.read(message, 0, message.length, position + 5);
    position += 5 + message.length;
    const { responseType } = fromBinary(ExecutePlanResponseSchema, message);
    if (responseType.case !== "arrowBatch") continue;
    found++;
    yield { arrow_ipc_bytes: responseType.value.data };
  }
}
