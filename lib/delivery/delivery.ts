/** Opens a delivery by its name: a RowCursor over a DataFrame, or several cursors that share its partitions. */
import type { RowCursor } from "../chain/row-source.js";
import type { LargePartition } from "../chain/source-report.js";
import type { DataFrame } from "../connect/session/session.js";
import { SparkStreamError } from "../errors.js";
import { type SparkStreamOptions, streamDefaults } from "../stream-options.js";
import { PushedFrame } from "./push/pushed-frame.js";
import { queryConf } from "./query-conf.js";
import { ResultCursor } from "./result/result.js";
import { type StagedPartition, sharesOf } from "./staged/partition-windows.js";
import { StagedCursor } from "./staged/staged.js";
import { StagedFrame } from "./staged/staged-frame.js";
import { StoredFrame } from "./stored/stored-frame.js";

export type OnLargePartition = (partition: LargePartition) => void;

/**
 * Opens one cursor per stream. There is one stream, unless the delivery is "staged", "push" or "stored".
 *
 * @param streams each stream's listener for partitions that exceed `windowBytes`
 * @throws SparkStreamError SESSION_CLOSED
 */
export function openDelivery(
  dataFrame: DataFrame,
  options: SparkStreamOptions,
  streams: readonly OnLargePartition[],
): readonly RowCursor[] {
  const { delivery = streamDefaults.delivery, tags, maxRecordsPerBatch, compression } = options;
  const batches = { maxRecordsPerBatch, compression };
  switch (delivery) {
    case "result":
      return [new ResultCursor(dataFrame, { conf: queryConf(batches), tags })];
    case "push": {
      const { push = streamDefaults.push, readAheadBytes = streamDefaults.readAheadBytes } = options;
      return new PushedFrame(dataFrame, { ...batches, tags, push, readAheadBytes, count: streams.length }).shares;
    }
    case "stored": {
      const { stored = {}, readAheadBytes = streamDefaults.readAheadBytes } = options;
      const store = options.store!; // checked with the options
      return new StoredFrame(dataFrame, { ...batches, tags, store, stored, readAheadBytes, count: streams.length })
        .shares;
    }
    case "staged": {
      const { windowBytes = streamDefaults.staged.windowBytes, partitions, ...others } = options.staged ?? {};
      const conf = queryConf(batches);
      const { collectGarbage = dataFrame.session.client.endpoint.startedHere, path, table } = others;
      const frame = new StagedFrame(dataFrame, { ...batches, collectGarbage, path, table, tags: tags ?? [] });
      return streams.map((onLargePartition, index) => {
        const choose = (all: readonly StagedPartition[]) =>
          sharesOf(partitions ? chosen(all, partitions) : all, streams.length)[index]!;
        return new StagedCursor(frame, { conf, tags, windowBytes, onLargePartition, choose });
      });
    }
  }
}

/** Selects partitions by id. Spark reports only non-empty ones; an id below the last of these is valid, too. */
function chosen(all: readonly StagedPartition[], ids: readonly number[]): StagedPartition[] {
  const last = all.at(-1)?.id ?? -1;
  const unknown = ids.filter((id) => id > last);
  if (unknown.length > 0) {
    const there = last < 0 ? "no partition has rows" : `the last partition with rows is ${last}`;
    throw new SparkStreamError("INVALID_ARGUMENT", `There is no partition ${unknown.join(", ")}: ${there}.`);
  }
  const wanted = new Set(ids);
  return all.filter(({ id }) => wanted.has(id));
}
