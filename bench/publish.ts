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

export interface PartResults {
  readonly machine: Machine;
  readonly runs: number;
  readonly outcomes: readonly Pick<Outcome, "title" | "results" | "verdicts">[];
}

export interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string | undefined;
  readonly cores: number;
  readonly memoryGigabytes: number;
  /** Processes that ran or waited for a core in the minute before, per core. */
  readonly load: number;
}

function resultsFile(part: string): URL {
  return new URL(`${part}.json`, results);
}

/** What was measured last of a part, if it is one of `npm run bench`. */
function resultsOf(part: string): PartResults | undefined {
  const file = resultsFile(part);
  if (!existsSync(file)) return undefined;
  const found = JSON.parse(readFileSync(file, "utf8")) as Partial<PartResults>;
  return found.outcomes && (found as PartResults);
}

function rowsOf(part: string): string[][] {
  const { outcomes = [], runs, machine } = resultsOf(part) ?? {};
  const verdicts = outcomes.flatMap((outcome) => outcome.verdicts);
  return verdicts.map((verdict) => [...verdictCells(verdict), String(runs), machine!.load.toFixed(1)]);
}

export function publish(): void {
  writeFileSync(picture, chart(panels(), roleOf));
  const parts = readdirSync(results).map((name) => name.replace(/\.json$/, ""));
  const header = [...verdictHeader, "runs", "load"];
  const rows = [header, header.map(() => "---"), ...parts.flatMap(rowsOf)];
  const lines = rows.map((cells) => `| ${cells.join(" | ")} |`);
  const text = readFileSync(page, "utf8");
  const replaced = [BEGIN, ...lines, END].join("\n");
  writeFileSync(
    page,
    text.replace(new RegExp(`${BEGIN}.*${END}`, "s"), () => replaced),
  );
}

/** The panels of the chart, by the beginning of the title of what they show. */
const charted: readonly [title: string, metric: Metric, better: Panel["better"]][] = [
  ["replay, 10,000-row batches", speed, "more"],
  ["replay, 10,000-row batches", cpu, "less"],
  ["replay, 1,000-row batches", speed, "more"],
  ["replay, 200 columns", speed, "more"],
  ["live, 10,000-row batches", speed, "more"],
  ["live, 10,000-row batches", memory, "less"],
];

function panels(): Panel[] {
  const found = ["replay", "live"].flatMap((part) => resultsOf(part)?.outcomes ?? []);
  return charted.flatMap(([title, { name }, better]) => {
    const outcome = found.find((each) => each.title.startsWith(title));
    return outcome ? [{ title: outcome.title, metric: name, better, results: outcome.results }] : [];
  });
}

/** The titles whose figures are read: by the chart, for the table of docs/tuning.md, and by test/bench/guard.test.ts. */
const needed = [...charted.map(([title]) => title), "replay, versions of Node", "guard"];

/** Keeps what is read later: the targets of a part, and the figures under the titles that are needed. */
export function keep(part: string, { machine, runs, outcomes }: PartResults): void {
  const kept = outcomes.map(({ title, results, verdicts }) => ({
    title,
    results: needed.some((start) => title.startsWith(start)) ? results : [],
    verdicts,
  }));
  const shortened = (key: string, value: unknown) => {
    if (key === "samples") return undefined;
    return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  };
  const text = JSON.stringify({ machine, runs, outcomes: kept }, shortened, 1);
  // Figures on one line each.
  writeFileSync(
    resultsFile(part),
    `${text.replace(/\{\s*("median"[^{}]*?)\s*\}/g, (_, figures) => `{ ${figures.replace(/\s+/g, " ")} }`)}\n`,
  );
}

function roleOf(contender: string): "ours" | "limit" | "other" {
  if ([ours, ourBytes, ourBytesToSocket, ourRows].some(({ name }) => name === contender)) return "ours";
  return [bareDrain, bareSocket].some(({ name }) => name === contender) ? "limit" : "other";
}
