/** One frame by every delivery, and by SPARK-54337's own path through PySpark; with what Spark's processes take for it. */
import { randomUUID } from "node:crypto";
import { startLocalSpark } from "../../lib/local/index.js";
import { type Contender, ours, pyspark } from "../contenders.js";
import { alternate } from "../measure.js";
import { drainMetrics, firstBatch, sizeOf, speed } from "../metrics.js";
import { cpuSecondsBelow } from "../process-cpu.js";
import { trips, tripsFrame } from "../recipes.js";
import { summary } from "../stats.js";
import type { Task } from "../task.js";
import { against, compare, figureOf } from "../verdict.js";
import type { Part } from "./part.js";

const ROWS = 5_000_000;
/** Per run; all but the first count. */
const PASSES = 3;
/** ms within which a warm stream has its first batch. */
const FIRST_BATCH = 300;

const delivered = (delivery: NonNullable<Task["delivery"]>): Contender => ({ ...ours, name: `"${delivery}"` });

export const deliveries: Part = async function* ({ runs }) {
  await using local = await startLocalSpark({ driverMemory: "2g" });
  const [result, staged, push, stored] = (["result", "staged", "push", "stored"] as const).map(delivered) as [
    Contender,
    Contender,
    Contender,
    Contender,
  ];
  const sparks = await pyspark("c-stream");
  const frame = tripsFrame(ROWS);
  const spark = { url: local.url, token: local.token, query: trips(ROWS) };
  const task = ({ name }: Contender): Task => ({
    ...spark,
    sessionId: randomUUID(),
    ownSession: true, // only there do streams share what Spark starts for a session
    passes: PASSES,
    samples: PASSES - 1,
    ...(name !== sparks.name && { delivery: JSON.parse(name) }),
  });
  const taken = new Map<string, number[]>();
  let before: number | undefined;
  const onRun = ({ name }: Contender) => {
    const now = cpuSecondsBelow(local.pid);
    if (before !== undefined) taken.set(name, [...(taken.get(name) ?? []), (now - before) / PASSES]);
    before = now;
  };
  const contenders = [result, staged, push, stored, sparks];
  const results = await alternate(contenders, task, () => frame, {
    runs,
    metrics: [...drainMetrics, firstBatch],
    onRun,
  });
  const beside = { part: "deliveries", metric: speed, contender: push.name, bound: "at least" } as const;
  const gigabytes = frame.arrowBytes / 1e9;
  const perGigabyte = [...taken].map(
    ([name, seconds]) => `${name} ${(summary(seconds).median / gigabytes).toFixed(1)}`,
  );
  yield {
    title: `deliveries, live (${sizeOf(frame)})`,
    results,
    verdicts: [
      compare(results, { ...beside, peer: sparks.name, target: 1.3 }),
      against(
        "deliveries, first batch of push",
        "ms",
        figureOf(results, push.name, firstBatch).samples,
        FIRST_BATCH,
        "at most",
      ),
    ],
    remarks: [
      `A run is ${PASSES} queries of one session, of which the first is not counted; the client's CPU time is in the table.`,
      `CPU s/GB of Spark and its Python workers, the first query included: ${perGigabyte.join(", ")}.`,
    ],
  };
};
