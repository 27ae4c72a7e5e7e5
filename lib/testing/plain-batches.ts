import {
  type Data,
  DataType,
  Field,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  vectorFromArray,
} from "apache-arrow";
import { SparkStreamError } from "../errors.js";

/** Whether it is a Table, or an array of record batches. */
export function isBatches(data: unknown): boolean {
  return data instanceof Table || (Array.isArray(data) && data.every((batch) => batch instanceof RecordBatch));
}

/**
 * The batch with the values of its dictionary-encoded columns looked up: Spark never sends such columns.
 *
 * @throws SparkStreamError UNSUPPORTED_TYPE for a dictionary within a nested column
 */
export function withoutDictionaries(batch: RecordBatch): RecordBatch {
  if (!batch.schema.fields.some(({ type }) => hasDictionary(type))) return batch;
  const columns = batch.schema.fields.map((field, index): [Field, Data] => {
    const column = batch.getChildAt(index)!;
    if (!hasDictionary(field.type)) return [field, column.data[0]!];
    if (!DataType.isDictionary(field.type)) {
      const message = `The column ${JSON.stringify(field.name)} contains a nested dictionary, which Spark does not read. Decode it first.`;
      throw new SparkStreamError("UNSUPPORTED_TYPE", message);
    }
    const { dictionary } = field.type;
    const values = vectorFromArray([...column], dictionary).data[0]!;
    return [new Field(field.name, dictionary, field.nullable, field.metadata), values];
  });
  const schema = new Schema(
    columns.map(([field]) => field),
    batch.schema.metadata,
  );
  const children = columns.map(([, data]) => data);
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: batch.numRows, nullCount: 0, children }),
  );
}

function hasDictionary(type: DataType): boolean {
  return DataType.isDictionary(type) || (type.children ?? []).some((child) => hasDictionary(child.type));
}
