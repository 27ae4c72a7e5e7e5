/**
 * Record batches in memory to plain objects, of rows `{ arrow_ipc_bytes }` in memory.
 *
 *   argv   the way; the file of frames that the batches come from
 */
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { rows, type SparkStream, sparkStream } from "../../lib/index.js";
import { measured, type Tally } from "./measured.js";
import { recordedRows } from "./recorded-rows.js";

/** Batches of one pass. */
const BATCHES = 30;

const ways: Readonly<Record<string, (batches: SparkStream, tally: Tally) => Promise<void>>> = {
  async toJSON(batches, tally) {
    for await (const batch of batches) for (const row of [...batch].map((each) => each.toJSON())) if (row) tally.add(1);
  },
  async pipeline(batches, tally) {
    const sink = new Writable({
      objectMode: true,
      write(_row, _encoding, callback) {
        tally.add(1);
        callback();
      },
    });
    await pipeline(batches, rows(), sink);
  },
  async forAwait(batches, tally) {
    for await (const row of batches.compose(rows())) if (row) tally.add(1);
  },
};

const [way, frames] = process.argv.slice(2) as [string, string];

await measured(
  async () => {
    const found: { arrow_ipc_bytes: Uint8Array }[] = [];
    for await (const row of recordedRows(frames, BATCHES)) found.push(row);
    return found;
  },
  (found, _task, tally) => ways[way]!(sparkStream(found), tally),
  async () => {},
);
