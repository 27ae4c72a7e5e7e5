/** Reads a stored result, or shares of it, without Spark. */
import type { RowCursor } from "../../chain/row-source.js";
import { SparkStreamError } from "../../errors.js";
import { openReads } from "../../store/open-store.js";
import type { ReadableStore, StoreLocation } from "../../store/store.js";
import { type StoredResultOptions, streamDefaults } from "../../stream-options.js";
import { ResultReport } from "../result/result-report.js";
import type { StoredResult, StoredResultPartition } from "./stored-result.js";
import { StoredShare } from "./stored-share.js";

/**
 * Opens `count` cursors, of which the i-th has every `count`-th of the chosen partitions.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for a partition that the result does not have
 */
export function readStoredResult(
  result: StoredResult,
  options: StoredResultOptions,
  count: number,
): readonly RowCursor[] {
  const { readAheadBytes: limit = streamDefaults.readAheadBytes, order = streamDefaults.stored.order, from } = options;
  const store = options.store ?? { uri: result.uri };
  const partitions = chosen(result, options);
  return Array.from({ length: count }, (_, index) => {
    const share = new StoredShare({ limit, order, report: new ResultReport(), onClose: async () => {} });
    const own = partitions.filter((_partition, place) => place % count === index);
    void fill(share, store, result, own, from).catch((error: unknown) => share.fail(error));
    return share;
  });
}

async function fill(
  share: StoredShare,
  location: ReadableStore | StoreLocation,
  { directory, schema }: StoredResult,
  partitions: readonly StoredResultPartition[],
  from: StoredResultOptions["from"],
): Promise<void> {
  const store = await openReads(location);
  for (const partition of partitions) {
    const skip = partition.id === from?.partition ? from.row : 0;
    share.add({ store, directory }, partition, skip);
  }
  share.end({ arrow_ipc_bytes: Buffer.from(schema, "base64"), rowCount: 0 });
}

function chosen(
  { partitions }: StoredResult,
  { partitions: ids, from }: StoredResultOptions,
): readonly StoredResultPartition[] {
  const unknown = [...(ids ?? []), ...(from ? [from.partition] : [])].filter((id) => !partitions[id]);
  if (unknown.length > 0) {
    throw invalid(`There is no partition ${unknown.join(", ")}: the result has ${partitions.length} partitions.`);
  }
  const wanted = ids && new Set(ids);
  if (from && wanted && !wanted.has(from.partition)) {
    throw invalid(`Option "from" begins in partition ${from.partition}, which is not among the "partitions".`);
  }
  const start = from && partitions[from.partition]!;
  if (from && start && from.row > start.rows) {
    throw invalid(`Option "from" begins at row ${from.row} of partition ${start.id}, which has ${start.rows} rows.`);
  }
  return partitions.filter(({ id }) => (!wanted || wanted.has(id)) && id >= (from?.partition ?? 0));
}

function invalid(message: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", message);
}
