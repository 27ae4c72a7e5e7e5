import type { Figure, Result } from "./measure.js";
import { table } from "./table.js";
import type { Verdict } from "./verdict.js";

export function resultTable(results: readonly Result[]): string {
  const names = Object.keys(results.find(({ absent }) => absent === undefined)?.figures ?? {});
  const rows = results.flatMap(({ contender, figures, absent }) =>
    absent === undefined ? [[contender, ...names.map((name) => shown(figures[name]!))]] : [],
  );
  const left = results.flatMap(({ contender, absent }) => (absent === undefined ? [] : [`${contender} ${absent}`]));
  return [table(["median (min–max)", ...names], rows), ...left].join("\n");
}

export const verdictHeader = ["comparison", "unit", "value", "beside", "ratio (min–max)", "target", ""] as const;

export function verdictCells(verdict: Verdict): string[] {
  const { name, unit, value, peer, ratio, ratioMin, ratioMax, bound, target, pass } = verdict;
  return [
    name,
    unit,
    significant(value),
    significant(peer),
    `${ratio.toFixed(2)} (${ratioMin.toFixed(2)}–${ratioMax.toFixed(2)})`,
    `${bound === "at least" ? "≥" : "≤"} ${target.toFixed(2)}`,
    pass ? "pass" : "MISSED",
  ];
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  return table(verdictHeader, verdicts.map(verdictCells));
}

function shown({ median, min, max, digits }: Figure): string {
  if (Number.isNaN(median)) return "–";
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** Three digits that count. */
function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
