/** What a user of the package runs: sparkStream() in a pipeline, into a sink that counts. */
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RecordBatch } from "apache-arrow";
import { connect, type SparkSession, sparkStream } from "../../lib/index.js";
import { type Counted, measured } from "./measured.js";

await measured(
  ({ url, token, sessionId }) => connect(url, { ...(token && { token }), sessionId }),
  (session, { query }) => drain(session, query),
  (session) => session.close(),
);

async function drain(session: SparkSession, query: string): Promise<Counted> {
  let rows = 0;
  let batches = 0;
  const sink = new Writable({
    objectMode: true,
    write(batch: RecordBatch, _encoding, callback) {
      rows += batch.numRows;
      batches++;
      callback();
    },
  });
  await pipeline(sparkStream(session.sql(query)), sink);
  return { rows, batches };
}
