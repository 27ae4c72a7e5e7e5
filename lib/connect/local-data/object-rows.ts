/**
 * Row objects as columns. In: an array of objects, and a schema, or none. Out: parts of at most about PART_BYTES.
 *
 * Memory: one part.
 */
import type { Field, Schema } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { isBag, shown } from "../../runtime/check-options.js";
import { Pace } from "../../runtime/event-loop.js";
import { FieldsBuilder, type Progress } from "./column-builder.js";
import { InferredFields } from "./inferred-type.js";
import { type LocalPart, type LocalRows, nextTurn, PART_BYTES, PART_ROWS } from "./local-rows.js";

/** The types of all fields, from all rows. @throws SparkStreamError INVALID_INPUT, AbortError */
export async function inferredFields(rows: readonly unknown[], signal: AbortSignal | undefined): Promise<Field[]> {
  const fields = new InferredFields();
  const pace = new Pace();
  for (let index = 0; index < rows.length; index++) {
    fields.add(checkedRow(rows[index], index), index);
    if (pace.isDue()) await nextTurn(signal);
  }
  return fields.types();
}

export class ObjectRows implements LocalRows {
  readonly schema: Schema;
  readonly #rows: readonly unknown[];
  /** Whether rows may have no other fields: those of inferred types have none. */
  readonly #strict: boolean;

  /** The number of the first row, for messages. */
  readonly #first: number;

  constructor(rows: readonly unknown[], schema: Schema, strict: boolean, first = 0) {
    this.#first = first;
    this.#rows = rows;
    this.schema = schema;
    this.#strict = strict;
  }

  get rowCount(): number {
    return this.#rows.length;
  }

  async *parts(signal: AbortSignal | undefined): AsyncGenerator<LocalPart> {
    const rows = this.#rows;
    const pace = new Pace();
    for (let index = 0; index < rows.length; ) {
      const progress: Progress = { row: this.#first + index, bytes: 0 };
      const fields = new FieldsBuilder(this.schema.fields, "", progress);
      let length = 0;
      for (; index < rows.length && length < PART_ROWS && progress.bytes < PART_BYTES; index++, length++) {
        progress.row = this.#first + index;
        const row = checkedRow(rows[index], progress.row);
        if (this.#strict) this.#checkFields(fields, row, progress.row);
        fields.append(row);
        if (pace.isDue()) await nextTurn(signal);
      }
      yield { length, columns: fields.finish() };
    }
  }

  #checkFields(fields: FieldsBuilder, row: object, index: number): void {
    const unknown = fields.unknownField(row);
    if (unknown === undefined) return;
    const message = `Row ${index} has the field ${JSON.stringify(unknown)}, which the schema lacks. Add it to the schema, or leave it out of the rows. Nothing was written.`;
    throw new SparkStreamError("INVALID_INPUT", message);
  }
}

/** @throws SparkStreamError INVALID_INPUT for what is no object */
export function checkedRow(row: unknown, index: number): object {
  if (isBag(row)) return row;
  throw new SparkStreamError(
    "INVALID_INPUT",
    `Row ${index} must be an object { name: value }, not ${shown(row)}. Nothing was written.`,
  );
}
