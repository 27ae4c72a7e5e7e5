/**
 * Record batches in memory to plain objects, of rows `{ arrow_ipc_bytes }` in memory.
 *
 *   argv   the way; the file of frames that the batches come from
 */
import { once } from "node:events";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { rows, sparkStream } from "../../lib/index.js";
import { collectRows } from "../../lib/results.js";
import { batchReader } from "../../lib/sinks/text/row-reader.js";
import { measured, type Tally } from "./measured.js";
import { recordedRows } from "./recorded-rows.js";

/** Batches of one pass. */
const BATCHES = 30;

type Rows = readonly { readonly arrow_ipc_bytes: Uint8Array }[];

const ways: Readonly<Record<string, (found: Rows, tally: Tally) => Promise<void>>> = {
  async toJSON(found, tally) {
    for await (const batch of sparkStream(found))
      for (const row of [...batch].map((each) => each.toJSON())) if (row) tally.add(1);
  },
  async pipeline(found, tally) {
    const sink = new Writable({
      objectMode: true,
      write(_row, _encoding, callback) {
        tally.add(1);
        callback();
      },
    });
    await pipeline(sparkStream(found), rows(), sink);
  },
  async forAwait(found, tally) {
    for await (const row of sparkStream(found).compose(rows())) if (row) tally.add(1);
  },
  async events(found, tally) {
    const all: unknown[] = [];
    const stream = sparkStream(found)
      .compose(rows())
      .on("data", (row) => void all.push(row));
    await once(stream, "end");
    tally.add(all.length);
  },
  async collect(found, tally) {
    tally.add((await collectRows(sparkStream(found), batchReader("collect()", {}))).length);
  },
};

const [way, frames] = process.argv.slice(2) as [string, string];

await measured(
  async () => {
    const found: { arrow_ipc_bytes: Uint8Array }[] = [];
    for await (const row of recordedRows(frames, BATCHES)) found.push(row);
    return found;
  },
  (found, _task, tally) => ways[way]!(found, tally),
  async () => {},
);
