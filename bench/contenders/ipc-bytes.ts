/**
 * arrowIpcBytes(): Spark's own messages as one Arrow IPC stream, to nowhere.
 *
 *   argv   "socket": to another process, by a socket
 */
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { arrowIpcBytes } from "../../lib/index.js";
import { measured, type Tally } from "./measured.js";
import { startReader } from "./reader-process.js";
import { openSession } from "./session.js";

const toSocket = process.argv[2] === "socket";

await measured(
  async (task) => ({ session: await openSession(task), reader: toSocket ? await startReader() : undefined }),
  async ({ session, reader }, { query }, tally) => {
    const stream = arrowIpcBytes(session.sql(query));
    if (reader) await reader.send((socket) => pipeline(stream, socket));
    else await pipeline(stream, nowhere(tally));
    tally.add(stream.metrics.rows);
  },
  async ({ session, reader }) => {
    reader?.close();
    await session.close();
  },
);

/** Its pieces tell no rows: those are counted at the end. */
function nowhere(tally: Tally): Writable {
  return new Writable({
    write(_bytes, _encoding, callback) {
      tally.add(0);
      callback();
    },
  });
}
