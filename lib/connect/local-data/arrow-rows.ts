/**
 * Record batches in the types that Spark takes. In: record batches of one schema. Out: parts of at most about PART_BYTES.
 *
 * Memory: what is converted of one part; other columns are views of the batches.
 */
import { type Data, DataType, Field, type RecordBatch, Schema, type Vector } from "apache-arrow";
import { checkColumns, columnsOf } from "../../arrow/batch-check.js";
import { columnBuffers } from "../../arrow/encode/column-buffers.js";
import { typeName } from "../../arrow/schema-difference.js";
import { SparkStreamError } from "../../errors.js";
import { columnBuilder } from "./column-builder.js";
import { type ColumnConverter, columnConverter } from "./columns.js";
import { breathe, type LocalPart, type LocalRows, PART_BYTES, PART_ROWS } from "./local-rows.js";
import { nullColumn } from "./null-column.js";
import { sparkSchema } from "./spark-schema.js";

/** Makes a column that is sent. @param start the first row, for messages */
type Column = (part: readonly Data[], length: number, start: number) => Data;

export class ArrowRows implements LocalRows {
  readonly schema: Schema;
  readonly rowCount: number;
  readonly #batches: readonly RecordBatch[];
  readonly #columns: readonly Column[];

  /**
   * @param wanted the columns of the frame, if it has others than the batches: by their names
   * @throws SparkStreamError UNSUPPORTED_TYPE, SCHEMA_MISMATCH
   */
  constructor(batches: readonly RecordBatch[], fields: readonly Field[], wanted?: Schema) {
    for (const batch of batches) checkColumns(fields, columnsOf(batch));
    this.#batches = batches;
    this.rowCount = batches.reduce((sum, { numRows }) => sum + numRows, 0);
    const given = sparkSchema(fields);
    const converters = fields.map(({ type, name }, index) => columnConverter(type, given.fields[index]!.type, name));
    const own = (index: number): Column => {
      const convert: ColumnConverter = converters[index] ?? ((data) => data);
      return (part) => convert(part[index]!);
    };
    const columns = wanted
      ? byName(given.fields, wanted.fields, own)
      : given.fields.map((field, index) => [field, own(index)] as const);
    this.schema = new Schema(columns.map(([field]) => field));
    this.#columns = columns.map(([field, column]) => (field.nullable ? column : withoutNulls(field, column)));
  }

  async *parts(signal: AbortSignal | undefined): AsyncGenerator<LocalPart> {
    let row = 0;
    for (const batch of this.#batches) {
      const { numRows } = batch;
      const bytes = batch.data.children.reduce((sum, data) => sum + bytesOf(data), 0);
      const rowsPerPart = Math.max(1, Math.min(PART_ROWS, Math.floor((PART_BYTES / Math.max(1, bytes)) * numRows)));
      for (let start = 0; start < numRows; start += rowsPerPart) {
        const length = Math.min(rowsPerPart, numRows - start);
        const part = batch.data.children.map((data) => (length === data.length ? data : data.slice(start, length)));
        const columns: Data[] = [];
        for (const column of this.#columns) {
          columns.push(column(part, length, row));
          await breathe(signal);
        }
        yield { length, columns };
        row += length;
      }
    }
  }
}

/** Bytes of a column, those of its dictionary's values included. */
function bytesOf(data: Data): number {
  const { byteLength, dictionaries } = columnBuffers(data);
  let bytes = byteLength;
  for (const { vector } of dictionaries.values()) {
    bytes += (vectorBytes(vector) / Math.max(1, vector.length)) * data.length;
  }
  return bytes;
}

function vectorBytes(vector: Vector): number {
  return vector.data.reduce((sum, data) => sum + bytesOf(data), 0);
}

/** The columns of the wanted schema. */
function byName(
  given: readonly Field[],
  wanted: readonly Field[],
  own: (index: number) => Column,
): (readonly [Field, Column])[] {
  const extra = given.find(({ name }) => !wanted.some((field) => field.name === name));
  if (extra)
    throw mismatch(`have the column \`${extra.name}\`, which the schema lacks. Leave it out with table.select([…])`);
  return wanted.map((field) => {
    const found = given.flatMap(({ name }, index) => (name === field.name ? [index] : []));
    if (found.length > 1) throw mismatch(`have ${found.length} columns \`${field.name}\``);
    const [index] = found;
    if (index === undefined) {
      if (!field.nullable) throw mismatch(`lack the column \`${field.name}\`, which is NOT NULL in the schema`);
      return [field, (_part, length) => nullColumn(field.type, length)];
    }
    const { type } = given[index]!;
    const column = own(index);
    if (!isSame(type, field.type)) return [field, cast(column, type, field)];
    // A zone is a label: the type in the batches has theirs, or, as the schema has it, one in place of none.
    const sent = DataType.isTimestamp(type) ? field.type : type;
    return [new Field(field.name, sent, field.nullable, field.metadata), column];
  });
}

/** Whether the values of one are those of the other. Those of a column without a zone may be instants in UTC. */
function isSame(type: DataType, wanted: DataType, isColumn = true): boolean {
  if (DataType.isTimestamp(type) && DataType.isTimestamp(wanted)) {
    return Boolean(type.timezone) === Boolean(wanted.timezone) || (isColumn && !type.timezone);
  }
  if (typeName(type) !== typeName(wanted)) return false;
  const [children, others] = [type.children ?? [], wanted.children ?? []];
  return (
    children.length === others.length &&
    children.every(
      (child, index) => child.name === others[index]!.name && isSame(child.type, others[index]!.type, false),
    )
  );
}

const isNumber = (type: DataType) => DataType.isInt(type) || DataType.isFloat(type);

/** Numbers as other numbers, if each of them is exactly one. */
function cast(column: Column, type: DataType, field: Field): Column {
  if (!isNumber(type) || !(isNumber(field.type) || DataType.isDecimal(field.type))) {
    throw mismatch(
      `have \`${field.name}\` as ${typeName(type)} where the schema has ${typeName(field.type)}. Cast it in Spark, or before`,
    );
  }
  return (part, length, start) => {
    const data = column(part, length, start);
    const progress = { row: start, bytes: 0 };
    const builder = columnBuilder(field, field.name, progress);
    const values = data.values as ArrayLike<number | bigint>;
    for (let row = 0; row < length; row++, progress.row++) {
      const value = data.getValid(row) ? values[row] : null;
      // Whole numbers of 64 bits as doubles: those that are not exact are refused.
      builder.append(typeof value === "bigint" && DataType.isFloat(field.type) ? exactNumber(value) : value);
    }
    return builder.finish();
  };
}

function exactNumber(value: bigint): number | bigint {
  return BigInt(Number(value)) === value ? Number(value) : value;
}

function withoutNulls({ name, type }: Field, column: Column): Column {
  return (part, length, start) => {
    const data = column(part, length, start);
    if (!(data.nullCount > 0) || DataType.isNull(type)) return data;
    let row = 0;
    while (data.getValid(row)) row++;
    const message = `Row ${start + row} does not fit: \`${name}\` is null, and its field is not nullable. Nothing was written.`;
    throw new SparkStreamError("INVALID_INPUT", message);
  };
}

function mismatch(what: string): SparkStreamError {
  return new SparkStreamError("SCHEMA_MISMATCH", `The record batches ${what}. Nothing was written.`);
}
