/**
 * What Spark takes a local relation's size to be, by which it decides what to broadcast in a join. It counts rows, and for
 * each the default sizes of the types (LocalRelation.computeStats, DataType.defaultSize); a list counts as one element.
 */
import { type DataType, IntervalUnit, Precision, Type } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";

/** Bytes of a row beside its values. */
const ROW_OVERHEAD = 8;

/** Rows in one; more take no less time. */
export const MOST_PACKED = 32;

/** Bytes up to which Spark may broadcast the rows, unlike it would if they were not packed. */
const BROADCAST_BYTES = 64 * 1024 * 1024;

interface Sizes {
  /** Bytes that are sent, as far as they are known. */
  readonly bytes: number;
  /** Spark's estimate. */
  readonly estimate: number;
  /** spark.sql.autoBroadcastJoinThreshold in bytes; 0 or less: nothing is broadcast. */
  readonly broadcastThreshold: number;
}

/**
 * How many rows are packed into one (portions.ts). Spark estimates packed rows at so many times less than what they are. So
 * there are fewer in one where it would otherwise broadcast a frame of more than 64 MiB that it would not without.
 */
export function rowsPacked({ bytes, estimate, broadcastThreshold }: Sizes): number {
  const isSmall = Math.max(bytes, estimate) <= BROADCAST_BYTES;
  if (isSmall || estimate <= broadcastThreshold || broadcastThreshold <= 0) return MOST_PACKED;
  return Math.max(1, Math.min(MOST_PACKED, Math.floor(estimate / broadcastThreshold)));
}

export function estimatedBytes(types: readonly DataType[], rowCount: number): number {
  return rowCount * types.reduce((sum, type) => sum + defaultSize(type), ROW_OVERHEAD);
}

function defaultSize(type: DataType): number {
  const narrowed = arrowType(type);
  const children = () => (type.children ?? []).reduce((sum, child) => sum + defaultSize(child.type), 0);
  switch (narrowed.typeId) {
    case Type.Null:
    case Type.Bool:
      return 1;
    case Type.Int:
      return narrowed.bitWidth / 8;
    case Type.Float:
      return narrowed.precision === Precision.SINGLE ? 4 : 8;
    case Type.Decimal:
      return narrowed.precision <= 18 ? 8 : 16;
    case Type.Date:
      return 4;
    case Type.Utf8:
      return 20;
    case Type.Binary:
      return 100;
    case Type.Interval:
      return narrowed.unit === IntervalUnit.YEAR_MONTH ? 4 : 16;
    case Type.Struct:
    case Type.List:
    case Type.Map:
      return children();
    default:
      return 8;
  }
}
