import type { DataFrame } from "../../connect/session/session.js";
import { onAbort } from "../../runtime/abort.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { ResultCursor } from "../result/result.js";
import type { StagedPartition } from "./partition-windows.js";
import { rowBytesSql } from "./row-bytes-sql.js";

/**
 * Counts the rows and bytes of each partition, by one query that reads every value.
 *
 * @param frame its columns must have different names
 * @param partitionId SQL for the partition of a row
 * @param ignored columns whose bytes do not count
 * @returns the non-empty partitions, in order
 */
export async function countPartitions(
  frame: DataFrame,
  partitionId: string,
  { tags, signal }: RunOptions,
  ignored: readonly string[] = [],
): Promise<StagedPartition[]> {
  const schema = await frame.sparkSchema({ signal });
  const fields = schema?.kind.case === "struct" ? schema.kind.value.fields : [];
  const columns = fields.map(({ name, dataType }) => ({ name, type: dataType }));
  const counted = columns.filter(({ name }) => !ignored.includes(name));
  const sizes = frame.select(`${partitionId} AS id`, "1L AS rows", `${rowBytesSql(counted)} AS bytes`);
  return await sumPartitions(sizes, { tags, signal });
}

/** @param sizes rows `{ id, rows, bytes }`, of which there may be several per partition */
export async function sumPartitions(sizes: DataFrame, { tags, signal }: RunOptions): Promise<StagedPartition[]> {
  const counts = sizes.groupBy("id").agg("sum(rows) AS rows", "sum(bytes) AS bytes");
  signal?.throwIfAborted();
  const cursor = new ResultCursor(counts, { tags });
  const forget = signal && onAbort(signal, () => void cursor.close());
  try {
    const { IpcDecoder } = await import("../../chain/ipc-decoder.js");
    const decoder = new IpcDecoder();
    const partitions: StagedPartition[] = [];
    for (let row = await cursor.next(); row; row = await cursor.next()) {
      for (const batch of await decoder.decode(row)) {
        for (const { id, rows, bytes } of batch) partitions.push({ id, rows: Number(rows), bytes: Number(bytes) });
      }
    }
    signal?.throwIfAborted();
    return partitions.sort((a, b) => a.id - b.id);
  } finally {
    forget?.();
    await cursor.close();
  }
}

/** The frame with columns c0, c1, …: several columns of a frame may have one name, or one that a format does not take. */
export async function numbered(frame: DataFrame, options: RunOptions): Promise<DataFrame> {
  const schema = await frame.sparkSchema({ signal: options.signal });
  const count = schema?.kind.case === "struct" ? schema.kind.value.fields.length : 0;
  return count > 0 ? frame.toDF(...Array.from({ length: count }, (_, index) => `c${index}`)) : frame;
}
