/** Runs classes of faults again and again, seeded, several at once, and counts what came of them. */
import { inspect } from "node:util";
import { table } from "../../bench/table.js";
import { Random } from "../support/random.js";
import { type FaultClass, judged, type RunResult } from "./fault-class.js";

/** A row of the table: the runs with one fault, and their outcomes. The last four must be 0. */
export interface FaultRow {
  fault: string;
  runs: number;
  exact: number;
  failed: number;
  lost: number;
  doubled: number;
  hung: number;
  left: number;
}

export interface CampaignResult {
  readonly rows: readonly FaultRow[];
  /** A line for each run that came out otherwise than it has to. */
  readonly problems: readonly string[];
}

export interface CampaignOptions {
  readonly runs: number;
  readonly seed: number;
  /** Runs at once. */
  readonly atOnce: number;
}

/** Runs of each other class for one of a slow class. */
const OFTEN = 8;

/** Every class gets the same share of the runs, but for those that are slow. */
export async function campaign(
  classes: readonly FaultClass[],
  { runs, seed, atOnce }: CampaignOptions,
): Promise<CampaignResult> {
  const rows = classes.map(({ name }) => ({
    fault: name,
    runs: 0,
    exact: 0,
    failed: 0,
    lost: 0,
    doubled: 0,
    hung: 0,
    left: 0,
  }));
  const problems: string[] = [];
  const schedule = scheduleOf(classes);
  let next = 0;

  async function work(): Promise<void> {
    for (let run = next++; run < runs; run = next++) {
      const { index, turn } = schedule(run);
      const fault = classes[index]!;
      // Of the run alone, so that it can be repeated whatever ran beside it.
      const random = new Random(seed * 1_000_003 + run * 7919);
      // What fails outside of the stream that is looked at is no result either.
      const result = await fault.run(random, turn).catch((error: unknown): RunResult => ({ outcome: "lost", error }));
      const outcome = judged(fault, result);
      rows[index]!.runs++;
      rows[index]![outcome]++;
      const wanted = fault.expected === "exact" ? "exact" : "failed";
      if (outcome !== wanted) problems.push(`${fault.name}, run ${run}: ${outcome}. ${inspect(result.error)}`);
    }
  }

  await Promise.all(Array.from({ length: atOnce }, work));
  return { rows, problems };
}

/** The result of classes that cannot be tried here: rows without runs, and a problem that says why. */
export function skipped(classes: readonly FaultClass[], reason: string): CampaignResult {
  const rows = classes.map(({ name }) => ({
    fault: `${name} (skipped)`,
    ...{ runs: 0, exact: 0, failed: 0, lost: 0, doubled: 0, hung: 0, left: 0 },
  }));
  return { rows, problems: [`Classes that were skipped: ${classes.length}. ${reason}`] };
}

/** Which class a run is of, by its index, and how many runs of that class came before. */
function scheduleOf(classes: readonly FaultClass[]): (run: number) => { index: number; turn: number } {
  const all = [...classes.keys()];
  const [slow, fast] = [true, false].map((wanted) => all.filter((index) => (classes[index]!.slow ?? false) === wanted));
  const rounds = fast!.length > 0 ? OFTEN : 0;
  const period = rounds * fast!.length + slow!.length;
  return (run) => {
    const [before, place] = [Math.floor(run / period), run % period];
    const round = Math.floor(place / Math.max(fast!.length, 1));
    if (round < rounds) return { index: fast![place % fast!.length]!, turn: before * rounds + round };
    return { index: slow![place - rounds * fast!.length]!, turn: before };
  };
}

export function faultTable(rows: readonly FaultRow[]): string {
  const columns = ["runs", "exact", "failed", "lost", "doubled", "hung", "left"] as const;
  const total = {
    fault: "all",
    ...Object.fromEntries(columns.map((column) => [column, sum(rows, column)])),
  } as FaultRow;
  const lines = [...rows, total].map((row) => [row.fault, ...columns.map((column) => String(row[column]))]);
  return table(["fault", ...columns], lines);
}

export function sum(rows: readonly FaultRow[], column: Exclude<keyof FaultRow, "fault">): number {
  return rows.reduce((total, row) => total + row[column], 0);
}
