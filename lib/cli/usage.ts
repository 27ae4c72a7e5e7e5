import { SparkStreamError } from "../errors.js";

/** The error of a command line that is invalid. */
export function usage(reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `${reason}. See --help.`);
}
