/**
 * Record batches in memory to plain objects.
 *
 *   argv   the way; the file of frames that the batches come from
 */
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch } from "apache-arrow";
import { rows, sparkStream } from "../../lib/index.js";
import { measured, type Tally } from "./measured.js";
import { recordedRows } from "./recorded-rows.js";

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
