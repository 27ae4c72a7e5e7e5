/**
 * Splits record batches by the values of some columns, which name folders as in Spark and Hive. In, batches of one schema; out,
 * for each folder a batch of its rows, in their order, without those columns. Memory: the rows once more, a window at a time.
 */
import { Data, DataType, type Field, type RecordBatch, Schema, Struct } from "apache-arrow";
import { makeRecordBatch, slicedRecordBatch } from "../../arrow/record-batch.js";
import { takeRows } from "../../arrow/take-rows.js";
import { SparkStreamError } from "../../errors.js";
import { jsFormat } from "../values/js-format.js";
import { windowReader } from "../values/row-windows.js";

/** Rows that are split at a time. */
const WINDOW = 16 * 1024;

/** As Spark and Hive name the folder of rows without a value. */
const NO_VALUE = "__HIVE_DEFAULT_PARTITION__";

/** What must not be in the name of a folder, in Spark's ExternalCatalogUtils; and NUL, which no file system takes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPED = /[\0-\x1f"#%'*/:=?\\\x7f{[\]^]/g;
/** Windows takes fewer, and Spark there. */
const ESCAPED_ON_WINDOWS = /[ <>|]/g;

export interface FolderRows {
  /** A path within the target, such as `day=2026-11-27/city=Rome`; empty without partitions. */
  readonly folder: string;
  readonly batch: RecordBatch;
}

export class PartitionSplit {
  /** The columns that the files have. */
  readonly fields: readonly Field[];
  readonly #kept: readonly number[];
  readonly #names: readonly string[];
  readonly #read: ReturnType<typeof windowReader<unknown>>;
  readonly #columns: readonly number[];

  /** @throws SparkStreamError INVALID_ARGUMENT for a column that is not there; UNSUPPORTED_TYPE */
  constructor(fields: readonly Field[], partitionBy: readonly string[]) {
    this.#columns = partitionBy.map((name) => columnOf(fields, name));
    this.#kept = fields.map((_, index) => index).filter((index) => !this.#columns.includes(index));
    if (this.#kept.length === 0) {
      const message = "partitionBy names all columns, and the files would have none. Leave one out.";
      throw new SparkStreamError("INVALID_ARGUMENT", message);
    }
    this.fields = this.#kept.map((index) => fields[index]!);
    this.#names = partitionBy.map(escaped);
    const of = this.#columns.map((index) => fields[index]!);
    for (const field of of) checkType(field);
    this.#read = windowReader(of, jsFormat({}), WINDOW);
  }

  /** Yields undefined if the event loop should turn. */
  *split(batch: RecordBatch): Generator<FolderRows | undefined> {
    const values = projected(batch, this.#columns);
    const kept = projected(batch, this.#kept);
    let start = 0;
    for (const window of this.#read(values)) {
      if (!window) yield undefined;
      else {
        yield* this.#folders(slicedRecordBatch(kept, start, start + window.rows), window.columns);
        start += window.rows;
      }
    }
  }

  *#folders(batch: RecordBatch, columns: readonly ArrayLike<unknown>[]): Generator<FolderRows> {
    const rowsOf = new Map<string, number[]>();
    let [last, rows]: [string | undefined, number[]] = [undefined, []];
    for (let row = 0; row < batch.numRows; row++) {
      let folder = "";
      for (const [index, values] of columns.entries()) {
        folder += `${index === 0 ? "" : "/"}${this.#names[index]}=${folderName(values[row])}`;
      }
      if (folder !== last) {
        rows = rowsOf.get(folder) ?? [];
        rowsOf.set(folder, rows);
        last = folder;
      }
      rows.push(row);
    }
    for (const [folder, rows] of rowsOf) {
      const [first, end] = [rows[0]!, rows.at(-1)! + 1];
      const adjacent = end - first === rows.length;
      yield { folder, batch: adjacent ? slicedRecordBatch(batch, first, end) : takeRows(batch, Int32Array.from(rows)) };
    }
  }
}

/** Some columns of a batch. */
function projected(batch: RecordBatch, columns: readonly number[]): RecordBatch {
  const { children, type } = batch.data;
  const fields = columns.map((index) => type.children[index]!);
  const struct = new Struct(fields);
  const data = new Data(
    struct,
    0,
    batch.numRows,
    0,
    undefined,
    columns.map((index) => children[index]!),
  );
  return makeRecordBatch(new Schema(fields, batch.schema.metadata), data);
}

function columnOf(fields: readonly Field[], name: string): number {
  const found = fields.flatMap((field, index) => (field.name === name ? [index] : []));
  if (found.length === 1) return found[0]!;
  const names = fields.map((field) => field.name).join(", ");
  const reason = found.length === 0 ? `is none of ${names}` : "is the name of several columns";
  throw new SparkStreamError("INVALID_ARGUMENT", `partitionBy: ${JSON.stringify(name)} ${reason}.`);
}

/** @throws SparkStreamError UNSUPPORTED_TYPE */
function checkType({ name, type }: Field): void {
  const values: DataType = DataType.isDictionary(type) ? type.dictionary : type;
  const isFit = [
    DataType.isUtf8,
    DataType.isLargeUtf8,
    DataType.isUtf8View,
    DataType.isInt,
    DataType.isDecimal,
    DataType.isBool,
    DataType.isDate,
    DataType.isNull,
  ].some((is) => is(values));
  if (isFit) return;
  const message = `partitionBy: column \`${name}\` is ${type}, which has no one text to name a folder. Cast it in the query: to STRING, or a time to DATE.`;
  throw new SparkStreamError("UNSUPPORTED_TYPE", message);
}

function folderName(value: unknown): string {
  return value === null || value === "" ? NO_VALUE : escaped(String(value));
}

function escaped(text: string): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  const all = text.replace(ESCAPED, hex);
  return process.platform === "win32" ? all.replace(ESCAPED_ON_WINDOWS, hex) : all;
}
