import type { Result } from "./measure.js";

/** How one contender does beside another of the same run. */
export interface Verdict {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly peer: number;
  readonly ratio: number;
  /** What the ratio should be at least. */
  readonly target: number;
  readonly pass: boolean;
}

/** Compares the speed of `contender` with that of `peer`, by their medians. */
export function speedVerdict(
  part: string,
  results: readonly Result[],
  contender: string,
  peer: string,
  target: number,
): Verdict {
  const of = (name: string) => {
    const found = results.find((result) => result.contender === name);
    if (!found) throw new Error(`${name} was not measured.`);
    return found.megabytesPerSecond.median;
  };
  const ratio = of(contender) / of(peer);
  return {
    name: `${part}: ${contender} / ${peer}`,
    unit: "MB/s",
    value: of(contender),
    peer: of(peer),
    ratio,
    target,
    pass: ratio >= target,
  };
}
