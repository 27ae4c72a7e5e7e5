/**
 * A server far away, with zstd: the recording behind a link of 100 Mbit/s and 50 ms each way. The link is what should be
 * busy, all of the time.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { built } from "../build.js";
import { adbcDriver, bareDrain, ours, pyspark } from "../contenders.js";
import { alternate } from "../measure.js";
import { cpu, type Metric, memory, sizeOf, time } from "../metrics.js";
import { filesOf, recorded } from "../recording.js";
import { startReplay } from "../replay.js";
import { against, figureOf } from "../verdict.js";
import type { Part } from "./part.js";

const LINK_BYTES_PER_SECOND = 100e6 / 8;
const LATENCY_MS = 50;

export const far: Part = async function* ({ runs }) {
  const recording = await recorded("zstd");
  const { recipe, sessionId, rows } = recording;
  // Messages and their prefixes; of HTTP/2's own some 0.1 % comes with them.
  const wireBytes = statSync(filesOf("zstd").frames).size;
  const link: Metric = {
    name: "MB/s of the link",
    unit: "MB/s",
    digits: 2,
    of: ({ seconds }) => wireBytes / 1e6 / seconds,
  };

  await using server = await startReplay(filesOf("zstd"));
  await using far = await startLink(new URL(server.url.replace("sc:", "http:")).port);
  const contenders = [bareDrain, ours, ...(await Promise.all([pyspark("batches"), adbcDriver()]))];
  // The second pass has a connection, as a session of some length has.
  const task = () => ({ url: far.url, sessionId, query: recipe.query, passes: 2 });
  const results = await alternate(contenders, task, () => recording, { runs, metrics: [link, time, cpu, memory] });
  const name = `far, zstd: ${ours.name} / the link`;
  const { samples } = figureOf(results, ours.name, link);
  yield {
    title: `far, 100 Mbit/s and ${LATENCY_MS} ms each way, zstd (${sizeOf({ rows, arrowBytes: wireBytes })} on the wire)`,
    results,
    verdicts: [against(name, link.unit, samples, LINK_BYTES_PER_SECOND / 1e6, "at least", 0.9)],
    remarks: [],
  };
};

async function startLink(port: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const args = [port, String(LINK_BYTES_PER_SECOND), String(LATENCY_MS)];
  const child = fork(built("far-link.ts"), args, { execArgv: [] });
  const [linked] = (await once(child, "message")) as [number];
  return {
    url: `sc://127.0.0.1:${linked}`,
    async [Symbol.asyncDispose]() {
      child.disconnect();
    },
  };
}
