import { type ErrorCode, errorCodes } from "../../errors.js";

/**
 * Stands before the code and the message of an error that a Python function of this package raises, or its SQL (raise_error):
 * `spark-arrow-stream says INPUT_LOST: …`. Spark's own error has it somewhere in its text.
 */
export const TOLD = "spark-arrow-stream says";

const PATTERN = new RegExp(`${TOLD} ([A-Z_]+): (.*?)(?: SQLSTATE: \\w+)?$`, "m");

/** What it has said, if Spark's error is of one. */
export function toldError(message: string): [ErrorCode, string] | undefined {
  const [, code = "", text = ""] = PATTERN.exec(message) ?? [];
  return Object.hasOwn(errorCodes, code) ? [code as ErrorCode, text] : undefined;
}
