import { explainPython, type PythonUser } from "../../connect/python/python-function.js";
import { SparkStreamError } from "../../errors.js";
import { TROUBLE } from "./task-source.js";

export const python: PythonUser = { name: 'delivery: "push"', instead: 'delivery: "staged", which does not' };

/** Returns an error that says so if a query failed because a task could not push; else the error itself. */
export function explainTask(error: unknown): unknown {
  if (!(error instanceof SparkStreamError)) return error;
  const reason = new RegExp(`${TROUBLE} ([^\\n]*)`).exec(error.message)?.[1];
  return reason === undefined ? error : unreachable(reason, error);
}

/** @param reason the message of a task, or of the probe */
export function unreachable(reason: string, cause?: SparkStreamError): SparkStreamError {
  const message =
    `A task on Spark's executors cannot push to this process: ${reason}. Check push.host, push.advertise and what is ` +
    'between the two (a firewall, a container); or use delivery: "staged", which needs no connection back.';
  const { operationId } = cause ?? {};
  return new SparkStreamError("UNREACHABLE", message, { cause, ...(operationId !== undefined && { operationId }) });
}

/** Explains why the probe, a function that only connects, did not run. */
export function explainProbe(error: unknown): unknown {
  const explained = explainPython(error, python);
  if (explained !== error || !(error instanceof SparkStreamError)) return explained;
  if (error.code !== "QUERY_FAILED" && error.code !== "PERMISSION_DENIED") return error;
  const message = `delivery: "push" runs a Python function on Spark's executors, and Spark refused it: ${error.message} Use ${python.instead}.`;
  return new SparkStreamError("UNSUPPORTED", message, { cause: error });
}
