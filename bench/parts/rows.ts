/** Record batches to plain objects: rows() beside apache-arrow's own `[...batch].map((row) => row.toJSON())`. */
import { nodeContender } from "../contenders.js";
import { alternate } from "../measure.js";
import { memory, rowSpeed } from "../metrics.js";
import { filesOf, recorded } from "../recording.js";
import { compare } from "../verdict.js";
import type { Part } from "./part.js";

/** 30 batches of 10,000. */
const ROWS = 300_000;

export const rows: Part = async function* ({ runs }) {
  await recorded("batches-10000");
  const { frames } = filesOf("batches-10000");
  const contender = (name: string, way: string) => nodeContender(name, "contenders/batch-rows.ts", way, frames);
  const toJson = contender("toJSON()", "toJSON");
  const ours = contender("rows()", "pipeline");
  const task = () => ({ url: "", sessionId: "", query: "", passes: 8, samples: 5 });
  const results = await alternate(
    [toJson, ours, contender("rows(), for await", "forAwait")],
    task,
    () => ({ rows: ROWS, arrowBytes: 0 }),
    { runs, metrics: [rowSpeed, memory] },
  );
  yield {
    title: `rows of six columns, from memory (${ROWS} rows)`,
    results,
    verdicts: [
      compare(results, {
        part: "rows",
        metric: rowSpeed,
        contender: ours.name,
        peer: toJson.name,
        bound: "at least",
        target: 10,
      }),
    ],
    remarks: [],
  };
};
