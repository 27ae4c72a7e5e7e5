/**
 * SPARK-54337's own path: a frame whose rows are `{ arrow_ipc_bytes }`, made on the workers by Python (mapInArrow), from a
 * client that has no Python.
 */
import { SparkStreamError } from "../errors.js";
import type { DataFrame } from "./dataframe.js";
import type { RelationInit } from "./plan.js";
import { call, pickledPair } from "./python-pickle.js";
import type { SparkSession } from "./session.js";

/** pyspark.util.PythonEvalType.SQL_MAP_ARROW_ITER_UDF: an iterator of record batches to another. */
const MAP_ARROW = 207;

/** Each batch as an IPC stream in the one row of another batch. A batch without rows tells of the schema all the same. */
const TO_IPC = `lambda batches, pa=__import__("pyarrow"): (
  pa.RecordBatch.from_arrays([pa.array([
    (lambda out, batch: (lambda writer: (writer.write_batch(batch), writer.close(), out.getvalue().to_pybytes())[2])(
      pa.ipc.new_stream(out, batch.schema)))(pa.BufferOutputStream(), batch)
  ], pa.binary())], ["arrow_ipc_bytes"]) for batch in batches)`;

const OUTPUT = {
  type: "struct",
  fields: [{ name: "arrow_ipc_bytes", type: "binary", nullable: true, metadata: {} }],
};

const COMMAND = pickledPair(
  call("builtins", "eval", TO_IPC),
  call("pyspark.sql.types", "_parse_datatype_json_string", JSON.stringify(OUTPUT)),
);

const OUTPUT_TYPE = {
  kind: {
    case: "struct" as const,
    value: {
      fields: [{ name: "arrow_ipc_bytes", nullable: true, dataType: { kind: { case: "binary" as const, value: {} } } }],
    },
  },
};

/** The version of the workers' Python, once it is known and has pyarrow. */
const pythonVersions = new WeakMap<SparkSession, Promise<string>>();

/**
 * The DataFrame whose rows are `{ arrow_ipc_bytes }`: one for each record batch of each partition, an Arrow IPC stream by
 * itself. It can be written, or handed to any client; `sparkStream()` takes its rows from wherever they come. A row has
 * `spark.sql.execution.arrow.maxRecordsPerBatch` rows of the frame at most.
 *
 * It needs Python and pyarrow where the executors run. When the plan is first needed, two small jobs find out whether they
 * are there, and in which version: the error UNSUPPORTED says what is missing.
 */
export function ipcRows(dataFrame: DataFrame): DataFrame {
  const { session } = dataFrame;
  return dataFrame.withPlan(async () => {
    const known = pythonVersions.get(session) ?? findPython(dataFrame);
    pythonVersions.set(session, known);
    known.catch(() => pythonVersions.delete(session));
    return mapInArrow(await dataFrame.relation(), await known);
  });
}

function mapInArrow(input: RelationInit, pythonVer: string): RelationInit {
  const func = {
    functionName: "ipc_rows",
    deterministic: true,
    function: {
      case: "pythonUdf" as const,
      value: { outputType: OUTPUT_TYPE, evalType: MAP_ARROW, command: COMMAND, pythonVer },
    },
  };
  return { relType: { case: "mapPartitions", value: { input, func } } };
}

/** A worker refuses a function that was made for another version than its own, and says which that is. */
async function findPython(dataFrame: DataFrame): Promise<string> {
  const probe = (pythonVer: string) => {
    const input = { relType: { case: "range" as const, value: { end: 1n, step: 1n, numPartitions: 1 } } };
    return dataFrame.withPlan(async () => mapInArrow(input, pythonVer)).execute();
  };
  try {
    const told = await probe("0.0").then(
      () => "",
      (error: Error) => error.message,
    );
    const version = /(?:has different version:?|worker_version\W+)\s*(\d+\.\d+)/.exec(told)?.[1];
    if (version === undefined) throw new SparkStreamError("QUERY_FAILED", told);
    await probe(version);
    return version;
  } catch (error) {
    throw missing(error) ?? error;
  }
}

function missing(error: unknown): SparkStreamError | undefined {
  const { message } = error as Error;
  const reason = /No module named ['"]pyarrow|PyArrow >= \S+ must be installed/i.test(message)
    ? "their Python has no pyarrow. Install it there"
    : /Cannot run program|No such file or directory|PYTHON_NOT_FOUND|Python worker failed to connect/i.test(message)
      ? "there is no Python that Spark can start (spark.pyspark.python, PYSPARK_PYTHON). Install it there, with pyarrow"
      : undefined;
  if (reason === undefined) return undefined;
  const text = `ipcRows() needs Python with pyarrow where Spark's executors run, and ${reason}; or use sparkStream(df), which needs neither.`;
  return new SparkStreamError("UNSUPPORTED", text, { cause: error });
}
