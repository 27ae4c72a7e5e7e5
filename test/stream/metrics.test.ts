import { execFile } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Int32, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { type SparkStream, type StreamMetrics, type StreamProgress, sparkStream } from "../../lib/index.js";
import { batchOf, rowsOf } from "../support/ipc.js";
import { idBatches, scripted } from "../support/scripted.js";
import { turns } from "../support/until.js";

const input = rowsOf(
  ...[3, 2, 4].map((rows) => batchOf({ id: vectorFromArray(new Array(rows).fill(7), new Int32()) })),
);

/** What a channel says, while it is listened to. */
function listen(name: string): { messages: Record<string, unknown>[]; stop(): void } {
  const messages: Record<string, unknown>[] = [];
  const onMessage = (message: unknown) => void messages.push(message as Record<string, unknown>);
  subscribe(name, onMessage);
  return { messages, stop: () => void unsubscribe(name, onMessage) };
}

describe("The metrics of a stream", () => {
  it("are its rows, batches and bytes, so far and in all", async () => {
    const stream = sparkStream(input);
    expect(stream.metrics).to.include({ rows: 0, batches: 0, bytes: 0 });
    const seen: number[] = [];
    for await (const _ of stream) seen.push(stream.metrics.batches);
    expect(seen).to.have.length(3);
    const bytes = input.reduce((sum, { arrow_ipc_bytes }) => sum + arrow_ipc_bytes.length, 0);
    expect(stream.metrics).to.deep.include({ rows: 9, batches: 3, bytes, operators: [] });
  });

  it("tell who waited for whom", async () => {
    const slowSource = async function* () {
      for (const row of input) {
        await sleep(40); // what is measured
        yield row;
      }
    };
    const starved = sparkStream(slowSource());
    for await (const _ of starved);
    expect(starved.metrics.waitedForSourceMs).to.be.above(60);
    expect(starved.metrics.waitedForConsumerMs).to.be.below(starved.metrics.waitedForSourceMs / 2);

    const held = sparkStream(input);
    for await (const _ of held) await sleep(40);
    expect(held.metrics.waitedForConsumerMs).to.be.above(60);
    expect(held.metrics.waitedForSourceMs).to.be.below(held.metrics.waitedForConsumerMs / 2);
  });

  it("say how much had come when a stream fails, and do not change any more", async () => {
    const stream = sparkStream([...input, {}] as never);
    await stream.toArray().catch(() => {});
    const { metrics } = stream;
    expect(metrics.rows).to.be.within(0, 9);
    await turns();
    expect(stream.metrics).to.deep.equal(metrics);
  });
});

describe("The progress of a query", () => {
  it("comes as events, which are not made where nobody listens", async () => {
    await using setting = await scripted({ batches: idBatches(1, 1, 1), progress: true });
    const stream = sparkStream(setting.spark.sql("SELECT id FROM t"));
    const events: StreamProgress[] = [];
    stream.on("progress", (progress: StreamProgress) => events.push(progress));
    await stream.toArray();
    expect(events).to.have.length(3);
    expect(events[0]).to.deep.equal({ tasks: 0, completedTasks: 0, runningTasks: 1, inputBytes: 0, stages: [] });
  });
});

describe("Diagnostics", () => {
  it("publish the start, the progress and the end of a stream on their channels", async () => {
    await using setting = await scripted({ batches: idBatches(2, 3), progress: true });
    const channels = ["start", "progress", "end", "error"].map((name) => listen(`spark-arrow-stream:stream:${name}`));
    const stream = sparkStream(setting.spark.sql("SELECT id FROM t"));
    await stream.toArray();
    for (const channel of channels) channel.stop();
    const [start, progress, end, error] = channels.map(({ messages }) => messages.filter((m) => m.stream === stream));
    expect([start?.length, progress?.length, end?.length, error?.length]).to.deep.equal([1, 2, 1, 0]);
    expect(end?.[0]?.metrics as StreamMetrics).to.include({ rows: 5, batches: 2 });
  });

  it("publish the failure of a stream, and its being destroyed", async () => {
    const channel = listen("spark-arrow-stream:stream:error");
    const failing: SparkStream = sparkStream([{}] as never);
    await failing.toArray().catch(() => {});
    const destroyed = sparkStream(input);
    destroyed.destroy();
    await once(destroyed, "close");
    channel.stop();
    expect(
      channel.messages.map(({ stream, error }) => [stream, (error as { code?: string } | null)?.code]),
    ).to.deep.equal([
      [failing, "INVALID_INPUT"],
      [destroyed, undefined],
    ]);
  });

  it("write log lines with NODE_DEBUG=spark-arrow-stream", async () => {
    const lib = fileURLToPath(new URL("../../lib/index.ts", import.meta.url));
    const script = `import { sparkStream } from ${JSON.stringify(lib)}; await sparkStream([{}]).toArray().catch(() => {});`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const env = { ...process.env, NODE_DEBUG: "spark-arrow-stream" };
    const { stderr } = await promisify(execFile)(process.execPath, args, { env });
    expect(stderr)
      .to.match(/SPARK-ARROW-STREAM \d+: stream start/)
      .and.to.match(/stream error .*INVALID_INPUT/s);
  });
});
