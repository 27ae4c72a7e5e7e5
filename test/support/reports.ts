import { expect } from "chai";
import { type SparkSession, type SparkStreamOptions, type StreamProgress, sparkStream } from "../../lib/index.js";
import { until } from "./until.js";

/** Checks what a stream tells of its query: progress, Spark's metrics, observed ones. */
export async function checkReports(spark: SparkSession, options: SparkStreamOptions): Promise<void> {
  const frame = spark.range(0, 1000, 1, 4).observe("check", "count(*) AS rows");
  const whole = async () => {
    const told: StreamProgress[] = [];
    const stream = sparkStream(frame, options);
    stream.on("progress", (progress) => told.push(progress));
    await stream.toArray();
    expect(stream.metrics.observed.check).to.deep.equal({ rows: 1000n });
    expect(stream.metrics.operators.map(({ name }) => name)).to.include("Range");
    expect(stream.metrics).to.include({ rows: 1000, batches: 4 });
    return told.at(-1)?.completedTasks === 4;
  };
  // Spark's last report may be older than the end of the last task. Then the query runs again.
  await until(whole, "the last report counts all tasks");
}
