import type { Schema } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { headerTypes } from "../format.js";
import { schemaDifference } from "../schema-difference.js";
import { readSchema } from "./arrow-reader.js";
import { invalidIpc } from "./invalid-ipc.js";
import { type MessageLocation, messageAt } from "./message.js";
import { isBigEndian } from "./metadata-check.js";

/** A row whose schema has been read. */
export interface OpenedRow {
  readonly view: DataView;
  /** The message of the schema. */
  readonly first: MessageLocation;
  readonly schema: Schema;
  /** Whether the numbers in its batches are big-endian. */
  readonly bigEndian: boolean;
  /** Whether its schema has the same bytes as the first row's. If not, its dictionaries may have other ids. */
  readonly same: boolean;
}

/** The schema that every row of a stream repeats: parsed once, then compared by its bytes. */
export class StreamSchema {
  #schema: Schema | undefined;
  #bytes: Buffer | undefined;
  #bigEndian = false;

  get schema(): Schema | undefined {
    return this.#schema;
  }

  /**
   * Reads the schema of a row, which must be the stream's.
   *
   * @throws SparkStreamError INVALID_IPC, SCHEMA_MISMATCH or UNSUPPORTED
   */
  open(bytes: Uint8Array): OpenedRow {
    if (bytes.length === 0) throw invalidIpc("it is empty");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const first = messageAt(view, 0);
    if (first?.type !== headerTypes.schema) throw invalidIpc("it does not begin with a schema");
    if (this.#schema && this.#bytes?.compare(bytes, 0, first.bodyStart) === 0) {
      return { view, first, schema: this.#schema, bigEndian: this.#bigEndian, same: true };
    }
    const schema = readSchema(bytes, view, first);
    const bigEndian = isBigEndian(view, first);
    if (this.#schema === undefined) {
      this.#schema = schema;
      this.#bigEndian = bigEndian;
      this.#bytes = Buffer.from(bytes.subarray(0, first.bodyStart));
      return { view, first, schema, bigEndian, same: true };
    }
    if (bigEndian !== this.#bigEndian) {
      const message = "Its numbers have another byte order than those of the rows before it.";
      throw new SparkStreamError("SCHEMA_MISMATCH", message);
    }
    const difference = schemaDifference(this.#schema.fields, schema.fields);
    if (difference) throw new SparkStreamError("SCHEMA_MISMATCH", `Its schema ${difference}.`);
    return { view, first, schema, bigEndian, same: false };
  }
}
