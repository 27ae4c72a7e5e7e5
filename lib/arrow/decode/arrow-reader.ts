import { compressionRegistry, MessageReader, type RecordBatch, RecordBatchReader, type Schema } from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import { loadCodec } from "../codec/body-codec.js";
import { codecNames } from "../format.js";
import { invalidIpc } from "./invalid-ipc.js";
import type { MessageLocation } from "./message.js";
import { checkBatchMessage, checkSchemaMessage } from "./metadata-check.js";
import { checkValues } from "./value-check.js";

let registered: Promise<void> | undefined;

/** @throws SparkStreamError INVALID_IPC, or UNSUPPORTED for a type that apache-arrow does not know. */
export function readSchema(bytes: Uint8Array, view: DataView, message: MessageLocation): Schema {
  checkSchemaMessage(view, message);
  let schema: Schema | null | undefined;
  try {
    schema = new MessageReader(alignedTo8(bytes.subarray(message.start, message.bodyStart))).readSchema();
  } catch (cause) {
    const unknown = /Unrecognized type: "(\w+)"/.exec((cause as Error).message)?.[1];
    if (unknown === undefined) throw cause;
    throw new SparkStreamError("UNSUPPORTED", `It has a column of type ${unknown}, which apache-arrow cannot read.`);
  }
  if (!schema) throw invalidIpc("its schema cannot be read");
  return schema;
}

/**
 * Reads the record batches of a blob with apache-arrow's own reader: slower than `RecordBatchPlan`, but it covers every
 * schema. apache-arrow has a global registry of codecs, which is empty (21.2): the codecs of this package are
 * registered there, unless the program has registered others.
 *
 * @param messages all messages after the schema
 */
export async function readWithArrow(
  bytes: Uint8Array,
  view: DataView,
  messages: readonly MessageLocation[],
  schema: Schema,
): Promise<RecordBatch[]> {
  for (const message of messages) checkBatchMessage(view, message, schema.fields);
  registered ??= registerCodecs();
  await registered;
  const batches = [...RecordBatchReader.from(alignedTo8(bytes))];
  for (const { data } of batches) checkValues(data);
  return batches;
}

/** Aligns the bytes: apache-arrow makes a typed array over the metadata of a union. */
function alignedTo8(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

/** The size that a compressed buffer claims, which is stored before the bytes that apache-arrow passes to a codec. */
function claimedLength({ buffer, byteOffset }: Uint8Array): number | undefined {
  if (byteOffset < 8) return undefined;
  const length = Number(new DataView(buffer, byteOffset - 8, 8).getBigInt64(0, true));
  return length >= 0 ? length : undefined;
}

/** Has apache-arrow decompress what it reads. */
export async function registerCodecs(): Promise<void> {
  for (const [type, name] of codecNames.entries()) {
    if (compressionRegistry.get(type)) continue;
    const codec = await loadCodec(name).catch(() => undefined);
    if (codec) compressionRegistry.set(type, { decode: (data) => codec(data, claimedLength(data)) });
  }
}
