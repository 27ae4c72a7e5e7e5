/**
 * Python functions that run where the executors are (mapInArrow), from a client that has no Python: the function travels
 * as source text within a pickle.
 */

import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { SharedRun } from "../../runtime/shared-run.js";
import type { DataType } from "../generated/spark-connect_pb.js";
import { isRefusal } from "../rpc/refusal.js";
import type { RelationInit } from "../session/plan.js";
import { quotedName } from "../session/quoted-name.js";
import type { DataFrame, SparkSession } from "../session/session.js";
import { call, pickledPair } from "./python-pickle.js";
import { typeJson } from "./type-json.js";

/** pyspark.util.PythonEvalType.SQL_MAP_ARROW_ITER_UDF: an iterator of record batches to another. */
const MAP_ARROW = 207;

/**
 * How a worker names its own Python when a function was made for another one. The tests of ipcRows() and of push on each
 * server fail if a text changes.
 *
 *   Spark 4   (pyspark/worker.py)  … has different version: 3.11 …, and the message parameter worker_version
 *   Spark 3.5 (pyspark/worker.py)  Python in worker has different version (3, 11) than that in driver 0.0
 *   Sail 0.7                       … (0.0) does not match the Python version at runtime (3.11.7 …
 */
const WORKER_VERSION = [
  /(?:has different version:?|worker_version\W+)\s*(\d+)\.(\d+)/,
  /Python in worker has different version \((\d+), (\d+)\)/,
  /does not match the Python version at runtime \((\d+)\.(\d+)/,
];
/** pyarrow is missing: Python's own words, and pyspark.sql.pandas.utils. */
const NO_PYARROW = /No module named ['"]pyarrow|PyArrow >= \S+ must be installed/i;
/** There is no Python: Java's words (ProcessBuilder), Spark's error class, and Spark's PythonWorkerFactory. */
const NO_PYTHON = /Cannot run program|No such file or directory|PYTHON_NOT_FOUND|Python worker failed to connect/i;

/** From an iterator of a partition's record batches to one of others. */
export interface PythonFunction {
  /** As Spark's plans show it. */
  readonly name: string;
  /** An expression that gives the function. */
  readonly expression: string;
  /** The columns that come out: simple ones, all of which may be null, or a struct. */
  readonly output: Readonly<Record<string, PythonColumn>> | DataType;
}

export type PythonColumn = "binary" | "integer" | "long" | "string";

/** The caller that needs Python, and what to use without it: for the error message. */
export interface PythonUser {
  readonly name: string;
  /** Follows "or use ". */
  readonly instead: string;
}

/**
 * The frame that comes out. Its plan asks first what Python the workers have; see {@link pythonVersion}.
 *
 * @param columns the source's, all of them: arguments of the function. Spark's optimizer knows by them that the function reads them, and
 *   without them takes the columns from a function on which something else stands. Not needed if nothing does.
 */
export function mapInArrow(
  source: DataFrame,
  fn: PythonFunction,
  user: PythonUser,
  columns: (options: RunOptions) => Promise<readonly string[]> = async () => [],
): DataFrame {
  return source.withPlan(async (options) => {
    const [version, names] = await Promise.all([pythonVersion(source, user, options), columns(options)]);
    return mapPartitions(await source.relation(options), fn, version, names);
  });
}

function mapPartitions(
  input: RelationInit,
  { name, expression, output }: PythonFunction,
  pythonVer: string,
  columns: readonly string[] = [],
) {
  const { outputType, json } = isDataType(output) ? { outputType: output, json: typeJson(output) } : structOf(output);
  const command = pickledPair(
    call("builtins", "eval", expression),
    call("pyspark.sql.types", "_parse_datatype_json_string", JSON.stringify(json)),
  );
  const func = {
    functionName: name,
    deterministic: true,
    arguments: columns.map((column) => {
      const value = { unparsedIdentifier: quotedName(column) };
      return { exprType: { case: "unresolvedAttribute" as const, value } };
    }),
    function: { case: "pythonUdf" as const, value: { outputType, evalType: MAP_ARROW, command, pythonVer } },
  };
  return { relType: { case: "mapPartitions" as const, value: { input, func } } } as RelationInit;
}

function isDataType(output: PythonFunction["output"]): output is DataType {
  return typeof output.kind === "object";
}

function structOf(output: Readonly<Record<string, PythonColumn>>) {
  const columns = Object.entries(output);
  const fields = columns.map(([name, type]) => ({
    name,
    nullable: true,
    dataType: { kind: { case: type, value: {} } },
  }));
  const json = columns.map(([column, type]) => ({ name: column, type, nullable: true, metadata: {} }));
  return {
    outputType: { kind: { case: "struct" as const, value: { fields } } },
    json: { type: "struct", fields: json },
  };
}

/** The version of each session's workers, once it is known. */
const versions = new WeakMap<SparkSession, SharedRun<string>>();

/** The version of the workers' Python, as "3.11". The first call of a session runs two small jobs. */
export async function pythonVersion(source: DataFrame, user: PythonUser, options: RunOptions): Promise<string> {
  const { session } = source;
  let known = versions.get(session);
  if (!known || known.abandoned) {
    known = new SharedRun((shared) => findVersion(source, shared));
    versions.set(session, known);
  }
  try {
    return await known.wait(options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (versions.get(session) === known) versions.delete(session);
    const explained = explainPython(error, user);
    throw explained === error && isRefused(error) ? refused(error, user) : explained;
  }
}

/** The function does nothing, so what Spark says of it is said of Python functions. */
function isRefused(error: unknown): error is SparkStreamError {
  return isRefusal(error) || (error instanceof SparkStreamError && error.code === "QUERY_FAILED");
}

function refused(error: SparkStreamError, { name, instead }: PythonUser): SparkStreamError {
  const text = `${name} runs a Python function on Spark's executors, and this server refuses it (${error.message}). Use ${instead}.`;
  return new SparkStreamError("UNSUPPORTED", text, { cause: error });
}

const identity: PythonFunction = {
  name: "find_python",
  expression: "lambda batches: batches",
  output: { id: "long" },
};

/** A worker refuses a function that was made for another version than its own, and says which that is. */
async function findVersion(source: DataFrame, options: RunOptions & { signal: AbortSignal }): Promise<string> {
  const probe = (pythonVer: string) => {
    const input = { relType: { case: "range" as const, value: { end: 1n, step: 1n, numPartitions: 1 } } };
    return source.withPlan(async () => mapPartitions(input, identity, pythonVer)).execute(options);
  };
  const refusal = await probe("0.0").then(
    () =>
      new SparkStreamError(
        "QUERY_FAILED",
        "Spark ran a function that was made for a version of Python that does not exist.",
      ),
    (error: Error) => error,
  );
  if (options.signal.aborted) throw refusal;
  const version = workerVersion(refusal.message);
  if (version === undefined) throw refusal;
  await probe(version);
  return version;
}

function workerVersion(message: string): string | undefined {
  for (const pattern of WORKER_VERSION) {
    const [, major, minor] = pattern.exec(message) ?? [];
    if (major !== undefined) return `${major}.${minor}`;
  }
  return undefined;
}

/** If a query failed for lack of Python or pyarrow, an UNSUPPORTED error that says what is missing; else the error itself. */
export function explainPython(error: unknown, { name, instead }: PythonUser): unknown {
  const { message } = error as Error;
  const reason = NO_PYARROW.test(message)
    ? "their Python has no pyarrow. Install it there"
    : NO_PYTHON.test(message)
      ? "there is no Python that Spark can start (spark.pyspark.python, PYSPARK_PYTHON). Install it there, with pyarrow"
      : undefined;
  if (reason === undefined) return error;
  const text = `${name} needs Python with pyarrow where Spark's executors run, but ${reason}; or use ${instead}.`;
  return new SparkStreamError("UNSUPPORTED", text, { cause: error });
}
