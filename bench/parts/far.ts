/**
 * A server far away: recordings behind a link that is narrow, or long and wide. The link should be what is busy, all of the
 * time; on a wide one a client must let enough be under way, which is bandwidth times round trip.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { built } from "../build.js";
import { adbcDriver, bareDrain, ours, pyspark } from "../contenders.js";
import { alternate } from "../measure.js";
import { cpu, type Metric, memory, sizeOf, time } from "../metrics.js";
import type { RecordingName } from "../recipes.js";
import { filesOf, recorded } from "../recording.js";
import { startReplay } from "../replay.js";
import { against, compare, figureOf, type Verdict } from "../verdict.js";
import type { Outcome, Part, PartOptions } from "./part.js";

interface Link {
  readonly title: string;
  readonly recording: RecordingName;
  readonly bytesPerSecond: number;
}

/** ms, each way */
const LATENCY = 50;
const narrow: Link = { title: "100 Mbit/s, zstd", recording: "zstd", bytesPerSecond: 100e6 / 8 };
const wide: Link = { title: "1 Gbit/s", recording: "strings", bytesPerSecond: 1e9 / 8 };

export const far: Part = async function* (options) {
  yield await behind(narrow, options, (part, link, results) => {
    const { samples } = figureOf(results, ours.name, link);
    return against(
      `${part}: ${ours.name} / the link`,
      link.unit,
      samples,
      narrow.bytesPerSecond / 1e6,
      "at least",
      0.9,
    );
  });
  const { name: peer } = await pyspark("batches");
  yield await behind(wide, options, (part, metric, results) =>
    compare(results, { part, metric, contender: ours.name, peer, bound: "at least", target: 1 }),
  );
};

async function behind(
  { title, recording: name, bytesPerSecond }: Link,
  { runs }: PartOptions,
  verdictOf: (part: string, metric: Metric, results: Outcome["results"]) => Verdict,
): Promise<Outcome> {
  const recording = await recorded(name);
  // Messages and their prefixes; of HTTP/2's own some 0.1 % comes with them.
  const wireBytes = statSync(filesOf(name).frames).size;
  const ofTheLink: Metric = {
    name: "MB/s of the link",
    unit: "MB/s",
    digits: 1,
    of: ({ seconds }) => wireBytes / 1e6 / seconds,
  };
  await using server = await startReplay(filesOf(name));
  await using link = await startLink(server.url, bytesPerSecond);
  const contenders = [bareDrain, ours, ...(await Promise.all([pyspark("batches"), adbcDriver()]))];
  // The second pass has a connection, as a session of some length has.
  const task = { url: link.url, sessionId: recording.sessionId, query: recording.recipe.query, passes: 2 };
  const metrics = [ofTheLink, time, cpu, memory];
  const results = await alternate(
    contenders,
    () => task,
    () => recording,
    { runs, metrics },
  );
  const part = `far, ${title}, ${LATENCY} ms each way`;
  return {
    title: `${part} (${sizeOf({ ...recording, arrowBytes: wireBytes })} on the wire)`,
    results,
    verdicts: [verdictOf(part, ofTheLink, results)],
    remarks: [],
  };
}

async function startLink(url: string, bytesPerSecond: number): Promise<{ readonly url: string } & AsyncDisposable> {
  const { port } = new URL(url.replace("sc:", "http:"));
  const child = fork(built("far-link.ts"), [port, String(bytesPerSecond), String(LATENCY)], { execArgv: [] });
  const [linked] = (await once(child, "message")) as [number];
  return {
    url: `sc://127.0.0.1:${linked}`,
    async [Symbol.asyncDispose]() {
      child.disconnect();
    },
  };
}
