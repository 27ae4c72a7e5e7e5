import { runPython } from "../../test/support/python.js";
import type { Frame } from "../metrics.js";

/** Writes a table of four columns, 33 bytes a row. In Python: a process has the peak RSS of the one that started it. */
const WRITE = `
import json, sys
import numpy as np, pyarrow as pa
count, batch = int(sys.argv[2]), int(sys.argv[3])
texts = pa.array([f"n{row:08d}" for row in range(1_000_000)])
size, writer = 0, None
for begin in range(0, count, 500 * batch):
    rows = np.arange(begin, min(count, begin + 500 * batch), dtype=np.int64)
    columns = {"id": rows, "value": rows / 2, "flag": (rows % 7).astype(np.int32), "name": texts.take(pa.array(rows % 1_000_000))}
    table = pa.table(columns)
    writer = writer or pa.ipc.new_stream(sys.argv[1], table.schema)
    writer.write_table(table, max_chunksize=batch)
    size += table.nbytes
writer.close()
print(json.dumps(size))
`;

/** An Arrow IPC stream in a file. @param batchRows rows of a record batch; default: one batch */
export async function arrowFile(file: string, rows: number, batchRows = rows): Promise<Frame> {
  return { rows, arrowBytes: (await runPython(WRITE, [file, `${rows}`, `${batchRows}`])) as number };
}
