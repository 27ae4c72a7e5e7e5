import {
  type Data,
  DataType,
  Field,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table,
  vectorFromArray,
} from "apache-arrow";
import { encodableSchema } from "../../arrow/encodable-schema.js";
import { SparkStreamError } from "../../errors.js";
import { checkWellFormed } from "../../runtime/well-formed.js";
import type { RelationInit } from "./plan.js";

/** Whether it is a Table, or an array of record batches. */
export function isBatches(data: unknown): boolean {
  return data instanceof Table || (Array.isArray(data) && data.every((batch) => batch instanceof RecordBatch));
}

/**
 * A record batch as a relation whose rows travel within the plan.
 *
 * @throws SparkStreamError UNSUPPORTED_TYPE for a dictionary within a nested column; INVALID_INPUT for a batch that
 *   apache-arrow cannot write
 */
export function localRelation(batch: RecordBatch): RelationInit {
  const plain = withoutDictionaries(batch);
  const schema = encodableSchema(plain.schema);
  checkWellFormed(schema.fields.map(({ name }) => `${name}`));
  const named: RecordBatch = Object.assign(Object.create(Object.getPrototypeOf(plain)), plain, { schema });
  return { relType: { case: "localRelation", value: { data: written(named) } } };
}

function written(batch: RecordBatch): Uint8Array {
  try {
    return RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
  } catch (cause) {
    const message = `apache-arrow cannot write the record batch: ${(cause as Error).message}.`;
    throw new SparkStreamError("INVALID_INPUT", message, { cause });
  }
}

/**
 * The batch with the values of its dictionary-encoded columns looked up: Spark takes the indices for the values, without a
 * word, and never sends such columns.
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
