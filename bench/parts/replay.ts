/** A recorded answer of Spark, served by a process that has nothing else to do: what the client costs, without Spark. */
import {
  adbcDriver,
  bareDrain,
  bareSocket,
  type Contender,
  ourBytes,
  ourBytesToSocket,
  ours,
  pyspark,
  rustClient,
} from "../contenders.js";
import { alternate, type Result } from "../measure.js";
import { cpu, drainMetrics, sizeOf, speed } from "../metrics.js";
import { type RecordingName, recipes } from "../recipes.js";
import { filesOf, type Recording, recorded } from "../recording.js";
import { startReplay } from "../replay.js";
import { summary } from "../stats.js";
import { type Bound, compare, type Verdict } from "../verdict.js";
import type { Outcome, Part, PartOptions } from "./part.js";

/** Drains of one process, of which the median of the last counts: by then V8 has compiled what is hot. */
export const WARM = { passes: 9, samples: 5 };
/** What is compiled before needs fewer, for its connection and its memory. */
const WARM_OTHERS = { passes: 5, samples: 3 };
const FIRST = { passes: 1, samples: 1 };

/** A server that is busier than this share of the time may be what a contender waits for. */
const BUSY_LIMIT = 0.9;

/** What a result should be beside another: speed, or the CPU time of a GB. */
type Target = readonly [contender: Contender, peer: string, metric: typeof speed, bound: Bound, target: number];

const PYSPARK = "PySpark batches";
const targets: Partial<Record<RecordingName, readonly Target[]>> = {
  "batches-10000": [
    [ours, bareDrain.name, speed, "at least", 0.95],
    [ours, PYSPARK, speed, "at least", 1.25],
    [ours, PYSPARK, cpu, "at most", 0.8],
    [ourBytesToSocket, bareSocket.name, speed, "at least", 0.95],
  ],
  "batches-1000": smallBatches(0.8),
  wide: smallBatches(0.6),
  chunked: [
    [ours, PYSPARK, speed, "at least", 1.25],
    [ours, PYSPARK, cpu, "at most", 0.8],
  ],
};
const firstTargets: readonly Target[] = [[ours, bareDrain.name, speed, "at least", 0.9]];

function smallBatches(ofBareDrain: number): readonly Target[] {
  return [
    [ours, bareDrain.name, speed, "at least", ofBareDrain],
    [ours, PYSPARK, speed, "at least", 1.5],
  ];
}

export const replay: Part = async function* (options) {
  const contenders = [
    bareDrain,
    ours,
    ourBytes,
    bareSocket,
    ourBytesToSocket,
    ...(await Promise.all([pyspark("batches"), pyspark("table"), rustClient(), adbcDriver()])),
  ];
  for (const name of Object.keys(recipes) as RecordingName[]) {
    yield await replayOne(name, await recorded(name), contenders, options);
  }
  yield await replayOne("batches-10000", await recorded("batches-10000"), contenders, options, FIRST);
};

async function replayOne(
  name: RecordingName,
  recording: Recording,
  contenders: readonly Contender[],
  { runs }: PartOptions,
  passes?: typeof FIRST,
): Promise<Outcome> {
  const { recipe, sessionId } = recording;
  const title = `replay, ${recipe.title}${passes ? ", the first of a process" : ""}`;
  await using server = await startReplay(filesOf(name));
  const busy = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  const task = ({ command }: Contender) => ({
    url: server.url,
    sessionId,
    query: recipe.query,
    ...(passes ?? (command[0] === process.execPath ? WARM : WARM_OTHERS)),
  });
  const results = await alternate(contenders, task, () => recording, {
    runs,
    metrics: drainMetrics,
    onRun: (contender) => {
      busy.get(contender)!.push(server.lastBusy);
    },
  });
  checkServer(title, busy.get(bareDrain)!);
  return {
    title: `${title} (${sizeOf(recording)})`,
    results,
    verdicts: verdictsOf(title, passes ? firstTargets : (targets[name] ?? []), results),
    remarks: [busyRemark(busy)],
  };
}

function verdictsOf(part: string, targets: readonly Target[], results: readonly Result[]): Verdict[] {
  return targets.map(([contender, peer, metric, bound, target]) =>
    compare(results, { part, contender: contender.name, peer, metric, bound, target }),
  );
}

/** @throws Error where even the bare drain may have waited for the server: then all figures are the server's */
function checkServer(title: string, busy: readonly number[]): void {
  const { median } = summary(busy);
  if (median <= BUSY_LIMIT) return;
  throw new Error(`${title}: the replay server was busy ${Math.round(100 * median)} % of the bare drain's time.`);
}

function busyRemark(busy: ReadonlyMap<Contender, readonly number[]>): string {
  const shares = [...busy].flatMap(([{ name }, all]) =>
    all.length > 0 ? [`${name} ${Math.round(100 * Math.max(...all))} %`] : [],
  );
  return `The replay server was busy at most for this share of a run: ${shares.join(", ")}.`;
}
