import type { Figure, Result } from "./measure.js";
import type { Metric } from "./metrics.js";
import { type Summary, summary } from "./stats.js";

/** How a figure does beside another of the same run, or beside a limit. */
export interface Verdict {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** The other's figure; the limit. */
  readonly peer: number;
  /** The median of `value / peer` of each round; of rounds, the least and the most. */
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  /** Whether the ratio should be at least or at most `target`. */
  readonly bound: Bound;
  readonly target: number;
  readonly pass: boolean;
}

export type Bound = "at least" | "at most";

export interface Comparison {
  /** Of what. */
  readonly part: string;
  readonly metric: Metric;
  readonly contender: string;
  readonly peer: string;
  readonly bound: Bound;
  readonly target: number;
}

/** @throws Error where one of the two has no figures */
export function compare(results: readonly Result[], comparison: Comparison): Verdict {
  const { part, metric, contender, peer, bound, target } = comparison;
  const ours = figureOf(results, contender, metric);
  const theirs = figureOf(results, peer, metric);
  const ratios = summary(ours.samples.map((value, round) => value / theirs.samples[round]!));
  return verdict(
    `${part}, ${metric.name}: ${contender} / ${peer}`,
    metric.unit,
    ours.median,
    theirs.median,
    ratios,
    bound,
    target,
  );
}

/** A figure beside a limit, which `target` is a share of. */
export function against(
  name: string,
  unit: string,
  samples: readonly number[],
  limit: number,
  bound: Bound,
  target = 1,
): Verdict {
  const { median } = summary(samples);
  return verdict(name, unit, median, limit, summary(samples.map((value) => value / limit)), bound, target);
}

/** @throws Error where it has none */
export function figureOf(results: readonly Result[], contender: string, { name }: Metric): Figure {
  const result = results.find((each) => each.contender === contender);
  const figure = result?.figures[name];
  if (!figure) throw new Error(`${contender} has no figure of ${name}: ${result?.absent ?? "it was not measured"}`);
  return figure;
}

function verdict(
  name: string,
  unit: string,
  value: number,
  peer: number,
  { median: ratio, min: ratioMin, max: ratioMax }: Summary,
  bound: Bound,
  target: number,
): Verdict {
  const pass = bound === "at least" ? ratio >= target : ratio <= target;
  return { name, unit, value, peer, ratio, ratioMin, ratioMax, bound, target, pass };
}
