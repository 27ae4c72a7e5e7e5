import { SparkStreamError } from "../../errors.js";

/** The error for bytes that aren't an Arrow IPC stream; `reason` continues "…, because". */
export function invalidIpc(reason: string, cause?: unknown): SparkStreamError {
  return new SparkStreamError("INVALID_IPC", `The bytes are not a valid Arrow IPC stream: ${reason}.`, { cause });
}

/** Turns an error within a row into one that names the row, counted from 0. */
export function inRow(index: number, error: unknown): SparkStreamError {
  const known = error instanceof SparkStreamError;
  const code = known ? error.code : "INVALID_IPC";
  const reason = known ? error.message : invalidIpc((error as Error).message).message;
  return new SparkStreamError(code, `Row ${index} of the stream cannot be read. ${reason}`, { cause: error });
}
