/** A recorded answer of Spark, served by a process that has nothing else to do: what the client costs, without Spark. */
import { contenders, names } from "../contenders.js";
import { alternate } from "../measure.js";
import { type Recording, type RecordingName, recipes, recorded } from "../recording.js";
import { startReplay } from "../replay.js";
import { speedVerdict } from "../verdict.js";
import type { Outcome, Part, PartOptions } from "./part.js";

/** Drains of one process, the last of which counts: by then V8 has compiled what is hot. */
const WARM = 5;

/** A server that is busier than this may be what a contender waited for. */
const BUSY_LIMIT = 0.9;

export const replay: Part = async (options) => {
  const outcomes: Outcome[] = [];
  for (const name of Object.keys(recipes) as RecordingName[]) {
    const recording = await recorded(name);
    outcomes.push(await replayOne(name, recording, WARM, options), await replayOne(name, recording, 1, options));
  }
  return outcomes;
};

async function replayOne(
  name: RecordingName,
  recording: Recording,
  passes: number,
  { runs }: PartOptions,
): Promise<Outcome> {
  const { recipe, sessionId, rows, arrowBytes } = recording;
  const server = await startReplay(name);
  try {
    const busy = new Map<string, number>();
    const task = { url: server.url, sessionId, query: recipe.query, passes };
    const results = await alternate(await contenders(), () => task, recording, {
      runs,
      onRun: (contender) => {
        busy.set(contender.name, Math.max(busy.get(contender.name) ?? 0, server.lastBusy));
      },
    });
    const title = `replay, ${recipe.title}${passes === 1 ? ", the first of a process" : ""}`;
    return {
      title: `${title} (${rows} rows, ${Math.round(arrowBytes / 1e6)} MB)`,
      results,
      // The first result of a process is mostly V8's work, for which there is no target.
      verdicts:
        passes === 1
          ? []
          : [
              speedVerdict(title, results, names.ours, names.limit, 0.8),
              speedVerdict(title, results, names.ours, names.pyspark, 0.9),
            ],
      remarks: remarksOn(busy),
    };
  } finally {
    server.close();
  }
}

function remarksOn(busy: ReadonlyMap<string, number>): string[] {
  const shares = [...busy].map(([name, share]) => `${name} ${Math.round(share * 100)} %`);
  const remarks = [`The replay server was busy at most for this share of a run: ${shares.join(", ")}.`];
  for (const [name, share] of busy) {
    if (share > BUSY_LIMIT) remarks.push(`${name} may have waited for the server: it can be faster than shown.`);
  }
  return remarks;
}
