import { runPython } from "../../test/support/python.js";
import type { Frame } from "../metrics.js";

/** Writes a table of four columns, 33 bytes a row. In Python: a process has the peak RSS of the one that started it. */
const WRITE = `
import json, sys
import numpy as np, pyarrow as pa
rows = np.arange(int(sys.argv[2]), dtype=np.int64)
names = pa.array([f"n{row % 1_000_000:08d}" for row in range(len(rows))])
table = pa.table({"id": rows, "value": rows / 2, "flag": (rows % 7).astype(np.int32), "name": names})
with pa.ipc.new_stream(sys.argv[1], table.schema) as writer:
    writer.write_table(table, max_chunksize=int(sys.argv[3]))
print(json.dumps(table.nbytes))
`;

/** An Arrow IPC stream in a file. @param batchRows rows of a record batch; default: one batch */
export async function arrowFile(file: string, rows: number, batchRows = rows): Promise<Frame> {
  return { rows, arrowBytes: (await runPython(WRITE, [file, `${rows}`, `${batchRows}`])) as number };
}
