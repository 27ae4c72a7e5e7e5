/**
 * What the docs show of bench/results: docs/how-fast.svg, and the table of targets between the two marks of
 * docs/how-fast.md. `npm run bench` does it after each run.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { chart, type Panel } from "./chart.js";
import { bareDrain, bareSocket, ourBytes, ourBytesToSocket, ourRows, ours } from "./contenders.js";
import { cpu, type Metric, memory, speed } from "./metrics.js";
import type { Outcome } from "./parts/part.js";
import { verdictCells, verdictHeader } from "./report.js";

const results = new URL("results/", import.meta.url);
const picture = new URL("../docs/how-fast.svg", import.meta.url);
const page = new URL("../docs/how-fast.md", import.meta.url);
const [BEGIN, END] = ["<!-- measured -->", "<!-- /measured -->"];

/** The file of a part's results: `{ machine, runs, outcomes }`. */
export function resultsFile(part: string): URL {
  return new URL(`${part}.json`, results);
}

/** What was measured last of a part; nothing if it was never run. */
export function resultsOf(part: string): readonly Outcome[] {
  const file = resultsFile(part);
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, "utf8")) as { outcomes?: readonly Outcome[] }).outcomes ?? [];
}

export function publish(): void {
  writeFileSync(picture, chart(panels(), roleOf));
  const parts = readdirSync(results).map((name) => name.replace(/\.json$/, ""));
  const verdicts = parts.flatMap(resultsOf).flatMap((outcome) => outcome.verdicts);
  const rows = [verdictHeader, verdictHeader.map(() => "---"), ...verdicts.map(verdictCells)];
  const lines = rows.map((cells) => `| ${cells.join(" | ")} |`);
  const text = readFileSync(page, "utf8");
  const replaced = [BEGIN, ...lines, END].join("\n");
  writeFileSync(
    page,
    text.replace(new RegExp(`${BEGIN}.*${END}`, "s"), () => replaced),
  );
}

function panels(): Panel[] {
  const found = ["replay", "live"].flatMap(resultsOf);
  const panel = (title: string, { name }: Metric, better: Panel["better"]): Panel[] => {
    const outcome = found.find((each) => each.title.startsWith(title));
    return outcome ? [{ title: outcome.title, metric: name, better, results: outcome.results }] : [];
  };
  return [
    ...panel("replay, 10,000-row batches", speed, "more"),
    ...panel("replay, 10,000-row batches", cpu, "less"),
    ...panel("replay, 1,000-row batches", speed, "more"),
    ...panel("replay, 200 columns", speed, "more"),
    ...panel("live, 10,000-row batches", speed, "more"),
    ...panel("live, 10,000-row batches", memory, "less"),
  ];
}

function roleOf(contender: string): "ours" | "limit" | "other" {
  if ([ours, ourBytes, ourBytesToSocket, ourRows].some(({ name }) => name === contender)) return "ours";
  return [bareDrain, bareSocket].some(({ name }) => name === contender) ? "limit" : "other";
}
