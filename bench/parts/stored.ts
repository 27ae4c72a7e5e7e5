/**
 * A result through a store: the query with it, beside the same query without; and what is stored already, read by one process
 * and by two. The store is a directory, and an S3 server that runs here, too.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { connect, storeResult } from "../../lib/index.js";
import { startLocalSpark } from "../../lib/local/index.js";
import { startS3Server } from "../../test/support/s3-server.js";
import { type Contender, nodeContender, ours } from "../contenders.js";
import { alternate } from "../measure.js";
import { drainMetrics, firstBatch, p99Gap, sizeOf, speed } from "../metrics.js";
import { trips, tripsFrame } from "../recipes.js";
import type { Task } from "../task.js";
import { against, compare, figureOf } from "../verdict.js";
import type { Part } from "./part.js";

const ROWS = 5_000_000;
/** Per run; all but the first count. */
const PASSES = 3;
/** MB/s of Arrow data that one process reads from a directory. */
const ALONE = 500;

export const stored: Part = async function* ({ runs }) {
  await using local = await startLocalSpark({ driverMemory: "2g" });
  await using server = await startS3Server();
  const { endpoint, credentials, bucket } = server;
  const s3 = JSON.stringify({ uri: `s3://${bucket}/bench`, endpoint, credentials });
  const frame = tripsFrame(ROWS);
  const passes = { passes: PASSES, samples: PASSES - 1 };

  const result: Contender = { ...ours, name: '"result"' };
  const inDirectory: Contender = { ...ours, name: '"stored", directory' };
  const inBucket: Contender = { ...ours, name: '"stored", S3', env: { BENCH_S3: s3 } };
  const task = (contender: Contender): Task => ({
    ...{ url: local.url, token: local.token, query: trips(ROWS), sessionId: randomUUID() },
    ownSession: true, // only there do streams share what Spark starts for a session
    delivery: contender === result ? "result" : "stored",
    ...passes,
  });
  const live = await alternate([result, inDirectory, inBucket], task, () => frame, {
    runs,
    metrics: [...drainMetrics, firstBatch],
  });
  const beside = { part: "stored", metric: speed, peer: result.name, bound: "at least" } as const;
  yield {
    title: `stored, live (${sizeOf(frame)})`,
    results: live,
    verdicts: [
      compare(live, { ...beside, contender: inDirectory.name, target: 1 }),
      compare(live, { ...beside, contender: inBucket.name, target: 0.7 }),
    ],
    remarks: ["Two cores have the client, Spark, its Python workers and the S3 server."],
  };

  const directory = await mkdtemp(join(tmpdir(), "bench-stored-"));
  try {
    const manifest = join(directory, "result.json");
    await using spark = await connect(local.url, { token: local.token });
    const store = { uri: pathToFileURL(directory).href };
    await writeFile(manifest, JSON.stringify(await storeResult(spark.sql(trips(ROWS)), { store })));
    const reader = (name: string, processes: number) =>
      nodeContender(name, "contenders/stored-result.ts", manifest, store.uri, `${processes}`);
    const [one, two] = [reader("one process", 1), reader("two processes", 2)];
    const alone = await alternate(
      [one, two],
      () => ({ url: "", sessionId: "", query: "", ...passes }),
      () => frame,
      { runs, metrics: [speed, p99Gap] },
    );
    yield {
      title: `stored, read without Spark from a directory (${sizeOf(frame)})`,
      results: alone,
      verdicts: [
        against("stored, MB/s of one process", "MB/s", figureOf(alone, one.name, speed).samples, ALONE, "at least"),
        compare(alone, { ...beside, contender: two.name, peer: one.name, target: 1.8 }),
      ],
      remarks: [],
    };
  } finally {
    await rm(directory, { recursive: true });
  }
};
