import { SparkStreamError } from "../errors.js";

/** The error for bytes that are no Arrow IPC stream; `reason` continues "…, because". */
export function invalidIpc(reason: string, cause?: unknown): SparkStreamError {
  return new SparkStreamError("INVALID_IPC", `The bytes are not a valid Arrow IPC stream: ${reason}.`, { cause });
}
