/**
 * SPARK-54337's own path: a frame whose rows are `{ arrow_ipc_bytes }`, made on the workers by Python (mapInArrow), from a
 * client that has no Python.
 */
import { checkArgument } from "../../runtime/check-options.js";
import { dataFrame as aDataFrame } from "../session/arguments.js";
import type { DataFrame } from "../session/session.js";
import { mapInArrow, type PythonFunction, type PythonUser } from "./python-function.js";

/** Each batch as an IPC stream in the one row of another batch. A batch without rows still has the schema. */
const toIpc: PythonFunction = {
  name: "ipc_rows",
  expression: `lambda batches, pa=__import__("pyarrow"): (
  pa.RecordBatch.from_arrays([pa.array([
    (lambda out, batch: (lambda writer: (writer.write_batch(batch), writer.close(), out.getvalue().to_pybytes())[2])(
      pa.ipc.new_stream(out, batch.schema)))(pa.BufferOutputStream(), batch)
  ], pa.binary())], ["arrow_ipc_bytes"]) for batch in batches)`,
  output: { arrow_ipc_bytes: "binary" },
};

const user: PythonUser = { name: "ipcRows()", instead: "sparkStream(df), which needs neither" };

/**
 * The DataFrame whose rows are `{ arrow_ipc_bytes }`: one for each record batch of each partition, an Arrow IPC stream by
 * itself. It can be written, or handed to any client; `sparkStream()` takes its rows from wherever they come. A row has
 * `spark.sql.execution.arrow.maxRecordsPerBatch` rows of the frame at most.
 *
 * It needs Python and pyarrow where the executors run. When the plan is first needed, two small jobs find out whether they
 * are there, and in which version: the error UNSUPPORTED says what is missing.
 */
export function ipcRows(dataFrame: DataFrame): DataFrame {
  checkArgument("ipcRows()", "dataFrame", dataFrame, aDataFrame);
  return mapInArrow(dataFrame, toIpc, user, async ({ signal }) => {
    const names = await dataFrame.columns({ signal });
    // Of two columns with one name neither can be named.
    return new Set(names.map((name) => name.toLowerCase())).size === names.length ? names : [];
  });
}
