/** What grows with the rows of a result: time and CPU in proportion, memory not at all. */
import { randomUUID } from "node:crypto";
import { type Contender, ours } from "../contenders.js";
import { alternate } from "../measure.js";
import { cpu, type Metric, memory, sizeOf, speed, time } from "../metrics.js";
import { trips, tripsFrame } from "../recipes.js";
import { openSpark } from "../spark.js";
import { type Bound, compare } from "../verdict.js";
import type { Part } from "./part.js";

const ROWS = 500_000;
const FACTORS = [1, 4, 16] as const;

export const growth: Part = async function* ({ runs }) {
  await using spark = await openSpark();
  const rowsOf = new Map<Contender, number>(FACTORS.map((factor) => [{ ...ours, name: `${factor} x` }, factor * ROWS]));
  const task = (contender: Contender) => ({
    ...spark.access,
    sessionId: randomUUID(),
    query: trips(rowsOf.get(contender)!),
    passes: 3,
  });
  const frame = (contender: Contender) => tripsFrame(rowsOf.get(contender)!);
  const metrics = [time, speed, cpu, memory];
  const results = await alternate([...rowsOf.keys()], task, frame, { runs, metrics });
  // The smallest result is mostly what a query costs by itself, so the middle one is where proportion begins.
  const verdict = (metric: Metric, peer: string, bound: Bound, target: number) =>
    compare(results, { part: "growth", metric, contender: "16 x", peer, bound, target });
  yield {
    title: `growth, live, sparkStream (1 x: ${sizeOf(tripsFrame(ROWS))})`,
    results,
    verdicts: [
      verdict(speed, "4 x", "at least", 0.9),
      verdict(cpu, "4 x", "at most", 1.1),
      verdict(memory, "1 x", "at most", 1.2),
    ],
    remarks: [],
  };
};
