/** Prepares a frame for a Python function, with the schema that the delivered batches must have. */
import { DataType, type Field, IntervalUnit, Table, tableToIPC } from "apache-arrow";
import type { DataFrame } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";

export interface Pushable {
  /** The frame, with renamed columns if several share a name, and with a column added if it has none. */
  readonly frame: DataFrame;
  readonly fields: readonly Field[];
  /** An Arrow IPC stream without a batch. */
  readonly schema: Uint8Array;
}

/**
 * @throws SparkStreamError INVALID_ARGUMENT for a streaming frame; UNSUPPORTED_TYPE if Python can't take a column's
 * type
 */
export async function pushable(dataFrame: DataFrame, options: RunOptions): Promise<Pushable> {
  const [schema, isStreaming] = await Promise.all([dataFrame.schema(options), dataFrame.isStreaming(options)]);
  if (isStreaming) {
    const message =
      "A streaming DataFrame has no end, so its tasks have none to send. Write it with Spark and read the output.";
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  const { fields, names } = schema;
  const bytes = tableToIPC(new Table(schema), "stream");
  for (const field of fields) {
    const reason = isYearMonth(field.type) ? "a type for which pyarrow has no arrays" : twins(field);
    if (reason !== undefined) throw unsupported(String(field.name), reason);
  }
  if (names.length === 0) return { schema: bytes, fields, frame: dataFrame.select("1 AS nothing") };
  const renamed = new Set(names).size < names.length;
  return {
    schema: bytes,
    fields,
    frame: renamed ? dataFrame.toDF(...names.map((_, index) => `c${index}`)) : dataFrame,
  };
}

/** Finds fields of a struct, at any depth, that share a name. Spark can't convert such a column to Arrow for Python. */
function twins({ type }: Field): string | undefined {
  const children: readonly Field[] = type.children ?? [];
  const names = children.map(({ name }) => String(name));
  const seen = new Set<string>();
  const twin = names.find((name) => seen.size === seen.add(name).size);
  if (twin !== undefined) return `a struct with several fields ${JSON.stringify(twin)}`;
  for (const child of children) {
    const found = twins(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isYearMonth(type: DataType): boolean {
  return DataType.isInterval(type) && type.unit === IntervalUnit.YEAR_MONTH;
}

function unsupported(name: string, what: string): SparkStreamError {
  const message = `Column ${JSON.stringify(name)} has ${what}, which Spark cannot pass to a Python function. Cast it, or use delivery: "staged".`;
  return new SparkStreamError("UNSUPPORTED_TYPE", message);
}
