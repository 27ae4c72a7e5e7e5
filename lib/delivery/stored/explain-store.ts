import { explainPython, type PythonUser } from "../../connect/python/python-function.js";
import { SparkStreamError } from "../../errors.js";
import { TROUBLE } from "./task-source.js";

export const storing: PythonUser = {
  name: 'delivery: "stored"',
  instead: 'delivery: "staged", which needs no Python',
};

/** Returns an error that says so if a query failed because a task could not write to the store; else the error itself. */
export function explainStore(error: unknown): unknown {
  if (!(error instanceof SparkStreamError)) return error;
  const reason = new RegExp(`${TROUBLE} ([^\\n]*)`).exec(error.message)?.[1];
  return reason === undefined ? error : cannotWrite(reason, error);
}

/** @param reason the message of a task, or of the probe */
export function cannotWrite(reason: string, cause?: SparkStreamError): SparkStreamError {
  const message =
    `A task on Spark's executors cannot write to the store: ${reason.replace(`${TROUBLE} `, "")}. The executors and this ` +
    "process must see the same store, and the executors need the right to write there.";
  const { operationId } = cause ?? {};
  return new SparkStreamError("STORE_FAILED", message, { cause, ...(operationId !== undefined && { operationId }) });
}

/** Explains why the probe, a function that only writes a file, did not run. */
export function explainProbe(error: unknown): unknown {
  const explained = explainPython(error, storing);
  if (explained !== error || !(error instanceof SparkStreamError)) return explained;
  if (error.code !== "QUERY_FAILED" && error.code !== "PERMISSION_DENIED") return error;
  const message = `${storing.name} runs a Python function on Spark's executors, and Spark refused it: ${error.message} Use ${storing.instead}.`;
  return new SparkStreamError("UNSUPPORTED", message, { cause: error });
}
