/** What a user of the package runs: sparkStream() in a pipeline, into a sink that counts. With "settings": of the query's own. */
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch } from "apache-arrow";
import { sparkStream } from "../../lib/index.js";
import { deliveryOptions } from "./delivery-options.js";
import { measured } from "./measured.js";
import { openSession } from "./session.js";

const settings = process.argv[2] === "settings" ? { maxRecordsPerBatch: 500 } : {};

await measured(
  openSession,
  async (session, { query, delivery }, tally) => {
    const sink = new Writable({
      objectMode: true,
      write(batch: RecordBatch, _encoding, callback) {
        tally.add(batch.numRows);
        callback();
      },
    });
    await pipeline(sparkStream(session.sql(query), { ...(await deliveryOptions(delivery)), ...settings }), sink);
  },
  (session) => session.close(),
);
