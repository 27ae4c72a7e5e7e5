/** How the rows of a DataFrame come, by name; each delivery is a RowCursor. */
import type { RowCursor } from "../chain/row-source.js";
import type { DataFrame } from "../connect/session/session.js";
import { SparkStreamError } from "../errors.js";
import { PushedFrame, type PushOptions } from "./push/pushed-frame.js";
import { confOf, type QueryOptions, ResultCursor } from "./result/result.js";
import { type StagedPartition, sharesOf } from "./staged/partition-windows.js";
import { type LargePartition, StagedCursor } from "./staged/staged.js";
import { StagedFrame } from "./staged/staged-frame.js";

export interface DeliveryOptions extends QueryOptions {
  delivery?: "result" | "staged" | "push";
  /** Bytes of Arrow data in memory. */
  readAheadBytes: number;
  push?: PushOptions;
  windowBytes?: number;
  partitions?: readonly number[];
  collectGarbage?: boolean;
}

type OnLargePartition = (partition: LargePartition) => void;

const DEFAULT_WINDOW = 64 * 1024 * 1024;

/** @throws SparkStreamError SESSION_CLOSED */
export function openDelivery(
  dataFrame: DataFrame,
  { delivery, ...options }: DeliveryOptions,
  onLargePartition: OnLargePartition,
): RowCursor {
  if (delivery === "push") return push(dataFrame, 1, options)[0]!;
  if (delivery !== "staged") return new ResultCursor(dataFrame, options);
  const { partitions } = options;
  const choose = partitions && ((all: readonly StagedPartition[]) => chosen(all, partitions));
  return new StagedCursor(stage(dataFrame, options), {
    ...stagedOptions(options),
    onLargePartition,
    ...(choose && { choose }),
  });
}

/**
 * So many cursors over one frame, staged or pushed, each over a share of its partitions.
 *
 * @throws SparkStreamError SESSION_CLOSED
 */
export function splitDelivery(
  dataFrame: DataFrame,
  onLargePartition: readonly OnLargePartition[],
  options: DeliveryOptions,
): readonly RowCursor[] {
  if (options.delivery === "push") return push(dataFrame, onLargePartition.length, options);
  const { partitions } = options;
  const staged = stage(dataFrame, options);
  return onLargePartition.map(
    (notify, index, { length }) =>
      new StagedCursor(staged, {
        ...stagedOptions(options),
        onLargePartition: notify,
        choose: (all) => sharesOf(partitions ? chosen(all, partitions) : all, length)[index]!,
      }),
  );
}

function push(dataFrame: DataFrame, count: number, { push = {}, ...options }: DeliveryOptions): readonly RowCursor[] {
  return new PushedFrame(dataFrame, { ...options, push, count }).shares;
}

function stage(dataFrame: DataFrame, { collectGarbage = true, tags = [], ...query }: DeliveryOptions): StagedFrame {
  return new StagedFrame(dataFrame, { collectGarbage, tags, conf: confOf(query) });
}

function stagedOptions({ windowBytes = DEFAULT_WINDOW, delivery: _, partitions: __, ...query }: DeliveryOptions) {
  return { ...query, windowBytes };
}

/** Spark tells of partitions with rows only: one without any, before the last that has some, is one all the same. */
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
