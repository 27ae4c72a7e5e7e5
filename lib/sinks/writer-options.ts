import { SparkStreamError } from "../errors.js";

/** @throws SparkStreamError INVALID_ARGUMENT for an option that the sink of this name does not have. */
export function checkNames(sink: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw invalidOption(sink, `${JSON.stringify(name)} is no option: ${known.join(", ")}`);
  }
}

/** @throws SparkStreamError INVALID_ARGUMENT for an option that is set, and to none of these. */
export function checkChoice(sink: string, name: string, value: unknown, choices: readonly unknown[]): void {
  if (value === undefined || choices.includes(value)) return;
  throw invalidOption(sink, `${name} must be one of ${choices.join(", ")}`);
}

export function invalidOption(sink: string, reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `${sink}: ${reason}.`);
}
