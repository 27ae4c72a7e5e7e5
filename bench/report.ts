import type { Result } from "./measure.js";
import type { Summary } from "./stats.js";
import { table } from "./table.js";
import type { Verdict } from "./verdict.js";

export function resultTable(results: readonly Result[]): string {
  return table(
    ["median (min–max)", "MB/s", "CPU s/GB", "peak RSS MB"],
    results.map((result) => [
      result.contender,
      shown(result.megabytesPerSecond, 0),
      shown(result.cpuSecondsPerGigabyte, 2),
      shown(result.peakRssMegabytes, 0),
    ]),
  );
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  return table(
    ["comparison", "unit", "value", "peer", "ratio", "target", ""],
    verdicts.map(({ name, unit, value, peer, ratio, target, pass }) => [
      name,
      unit,
      value.toFixed(0),
      peer.toFixed(0),
      ratio.toFixed(2),
      `≥ ${target.toFixed(2)}`,
      pass ? "pass" : "MISSED",
    ]),
  );
}

function shown({ median, min, max }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}
