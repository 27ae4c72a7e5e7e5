import { explainPython, type PythonUser } from "../connect/python/python-function.js";
import { SparkStreamError } from "../errors.js";
import { TROUBLE } from "./task-source.js";

/** Why tasks connect to this process, in the words of error messages. */
export interface Purpose extends PythonUser {
  /** The option whose `host`, `advertise` and so on are meant: "push". */
  readonly option: string;
  /** What a task cannot do: "push to this process". */
  readonly what: string;
}

/** Returns an error that says so if a query failed because a task could not connect; else the error itself. */
export function explainTask(error: unknown, purpose: Purpose): unknown {
  if (!(error instanceof SparkStreamError)) return error;
  const reason = new RegExp(`${TROUBLE} ([^\\n]*)`).exec(error.message)?.[1];
  return reason === undefined ? error : unreachable(reason, purpose, error);
}

/** @param reason the message of a task, or of the probe */
export function unreachable(
  reason: string,
  { what, option, instead }: Purpose,
  cause?: SparkStreamError,
): SparkStreamError {
  const message =
    `A task on Spark's executors cannot ${what}: ${reason}. Check ${option}.host, ${option}.advertise and what is ` +
    `between the two (a firewall, a container); or use ${instead}.`;
  const { operationId } = cause ?? {};
  return new SparkStreamError("UNREACHABLE", message, { cause, ...(operationId !== undefined && { operationId }) });
}

/** Explains why the probe, a function that only connects, did not run. */
export function explainProbe(error: unknown, purpose: Purpose): unknown {
  const explained = explainPython(error, purpose);
  if (explained !== error || !(error instanceof SparkStreamError)) return explained;
  if (error.code !== "QUERY_FAILED" && error.code !== "PERMISSION_DENIED") return error;
  const message = `${purpose.name} runs a Python function on Spark's executors, and Spark refused it: ${error.message} Use ${purpose.instead}.`;
  return new SparkStreamError("UNSUPPORTED", message, { cause: error });
}
