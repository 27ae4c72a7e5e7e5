/** sparkStream() and rows(): a plain object for each row. */
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { rows, sparkStream } from "../../lib/index.js";
import { measured } from "./measured.js";
import { openSession } from "./session.js";

await measured(
  openSession,
  async (session, { query }, tally) => {
    const sink = new Writable({
      objectMode: true,
      write(_row, _encoding, callback) {
        tally.add(1);
        callback();
      },
    });
    await pipeline(sparkStream(session.sql(query)), rows(), sink);
  },
  (session) => session.close(),
);
