import type { Result } from "../measure.js";
import type { Verdict } from "../verdict.js";

export interface PartOptions {
  /** Runs of each contender that count. */
  readonly runs: number;
}

/** What a part measured of one frame. */
export interface Outcome {
  readonly title: string;
  readonly results: readonly Result[];
  readonly verdicts: readonly Verdict[];
  /** What a reader must know to judge the figures. */
  readonly remarks: readonly string[];
}

/** One part of the benchmark, which hands out what it measured as it comes; see run.ts for how it is called. */
export type Part = (options: PartOptions) => AsyncIterable<Outcome>;
