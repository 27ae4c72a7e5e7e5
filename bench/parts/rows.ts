/**
 * Record batches to plain objects: rows() beside apache-arrow's own `[...batch].map((row) => row.toJSON())`, and collect() beside
 * an array of rows(); and how long others wait for the event loop meanwhile.
 */
import { nodeContender } from "../contenders.js";
import { alternate } from "../measure.js";
import { longestGap, MAX_P99_GAP, memory, p99Gap, rowSpeed } from "../metrics.js";
import { filesOf, recorded } from "../recording.js";
import { against, compare, figureOf } from "../verdict.js";
import type { Part } from "./part.js";

/** Of a recording; contenders/batch-rows.ts reads as many. */
const BATCHES = 30;

const cases = [
  { recording: "batches-10000", title: "six columns", rows: 10_000 * BATCHES, target: 10 },
  { recording: "wide", title: "200 columns", rows: 1_000 * BATCHES, target: undefined },
] as const;

export const rows: Part = async function* ({ runs }) {
  for (const { recording, title, rows: count, target } of cases) {
    await recorded(recording);
    const { frames } = filesOf(recording);
    const contender = (name: string, way: string) => nodeContender(name, "contenders/batch-rows.ts", way, frames);
    const toJson = contender("toJSON()", "toJSON");
    const ours = contender("rows()", "pipeline");
    const iterated = contender("rows(), for await", "forAwait");
    const [events, collected] = [
      contender("rows(), by events into an array", "events"),
      contender("collect()", "collect"),
    ];
    const task = () => ({ url: "", sessionId: "", query: "", passes: 8, samples: 5 });
    const results = await alternate(
      [toJson, ours, iterated, events, collected],
      task,
      () => ({ rows: count, arrowBytes: 0 }),
      {
        runs,
        metrics: [rowSpeed, memory, longestGap, p99Gap],
      },
    );
    const beside = { part: `rows, ${title}`, metric: rowSpeed, bound: "at least" } as const;
    const gap = ({ name }: { readonly name: string }) =>
      against(
        `rows, ${title}, p99 gap of the event loop: ${name}`,
        "ms",
        figureOf(results, name, p99Gap).samples,
        MAX_P99_GAP,
        "at most",
      );
    yield {
      title: `rows of ${title}, from memory (${count} rows)`,
      results,
      verdicts: [
        ...(target === undefined
          ? []
          : [compare(results, { ...beside, contender: ours.name, peer: toJson.name, target })]),
        compare(results, { ...beside, contender: iterated.name, peer: ours.name, target: 1 / 1.3 }),
        compare(results, { ...beside, contender: collected.name, peer: events.name, target: 1 }),
        gap(ours),
        gap(iterated),
      ],
      remarks: [],
    };
  }
};
