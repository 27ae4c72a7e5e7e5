/**
 * The decoder of record batches. In: rows, each a blob with one Arrow IPC stream. Out: their record batches. Memory:
 * the batches are views of the blob; only compressed and unaligned buffers take additional bytes.
 *
 * Every row repeats the schema. It is parsed once; after that its bytes are only compared with the first row's. Types
 * that the plan of a schema does not support (dictionaries, unions, views) are read by apache-arrow's own reader.
 */
import type { RecordBatch, Schema } from "apache-arrow";
import { type BodyCodec, codecIfLoaded, loadCodec } from "../arrow/codec/body-codec.js";
import { withPauses } from "../arrow/codec/pausing-codec.js";
import { readWithArrow } from "../arrow/decode/arrow-reader.js";
import { inRow, invalidIpc } from "../arrow/decode/invalid-ipc.js";
import { type MessageLocation, messageAt } from "../arrow/decode/message.js";
import { codecOf, RecordBatchPlan } from "../arrow/decode/record-batch-plan.js";
import { StreamSchema } from "../arrow/decode/stream-schema.js";
import { type CodecName, headerTypes } from "../arrow/format.js";
import { emptyRecordBatch, slicedRecordBatch, slicesOf } from "../arrow/record-batch.js";
import { SparkStreamError } from "../errors.js";
import type { ArrowIpcRow } from "./arrow-ipc-row.js";
import type { RowDecoder } from "./decoder-stage.js";

/** Decodes the rows of one stream, which all have the same schema. */
export class IpcDecoder implements RowDecoder<RecordBatch> {
  readonly #stream = new StreamSchema();
  readonly #maxRows: number;
  #plan: RecordBatchPlan | undefined;
  #rows = 0;

  /** @param maxRows larger batches are cut: a server may ignore the requested batch size, as Sail does */
  constructor(maxRows = Number.POSITIVE_INFINITY) {
    this.#maxRows = maxRows;
  }

  /** The schema of the stream, known after the first row was decoded. */
  get schema(): Schema | undefined {
    return this.#stream.schema;
  }

  empty(): RecordBatch | undefined {
    return this.schema && emptyRecordBatch(this.schema);
  }

  /**
   * Returns the record batches of one row, in order; a promise only if batches are compressed, or read by apache-arrow.
   *
   * @throws SparkStreamError INVALID_IPC, SCHEMA_MISMATCH or UNSUPPORTED; the message names the row, counted from 0.
   */
  decode(row: ArrowIpcRow): RecordBatch[] | Promise<RecordBatch[]> {
    const index = this.#rows++;
    try {
      const batches = this.#decode(row);
      if (!(batches instanceof Promise)) return this.#cut(batches, row);
      return batches.then(
        (decoded) => this.#cut(decoded, row),
        (error) => Promise.reject(inRow(index, error)),
      );
    } catch (error) {
      throw inRow(index, error);
    }
  }

  #cut(decoded: RecordBatch[], { skipRows }: ArrowIpcRow): RecordBatch[] {
    const batches = skipRows ? withoutFirst(decoded, skipRows) : decoded;
    if (batches.every(({ numRows }) => numRows <= this.#maxRows)) return batches;
    return batches.flatMap((batch) => (batch.numRows > this.#maxRows ? slicesOf(batch, this.#maxRows) : [batch]));
  }

  #decode(row: ArrowIpcRow): RecordBatch[] | Promise<RecordBatch[]> {
    const bytes = row.arrow_ipc_bytes;
    const known = this.#stream.schema;
    const { view, first, schema, bigEndian } = this.#stream.open(bytes);
    if (bigEndian) throw otherByteOrder();
    if (known === undefined) this.#plan = RecordBatchPlan.compile(schema);
    const plan = this.#plan;
    const messages: MessageLocation[] = [];
    const codecs = new Set<CodecName>();
    for (let next = messageAt(view, first.end); next !== undefined; next = messageAt(view, next.end)) {
      if (next.type !== headerTypes.recordBatch && !(plan === undefined && next.type === headerTypes.dictionaryBatch)) {
        throw invalidIpc(`a message of type ${next.type} in the place of a record batch`);
      }
      messages.push(next);
      const codec = plan && codecOf(view, next);
      if (codec) codecs.add(codec);
    }
    if (plan === undefined) return readWithArrow(bytes, view, messages, schema);
    const place = (message: MessageLocation) => (row.owned ? withAlignedBody(bytes, message) : message);
    if (codecs.size > 0) return readCompressed(plan, bytes, view, messages.map(place), codecs);
    return messages.map((message) => plan.batch(bytes, view, place(message), undefined));
  }
}

function withoutFirst(batches: readonly RecordBatch[], rows: number): RecordBatch[] {
  let left = rows;
  return batches.flatMap((batch) => {
    const skipped = Math.min(left, batch.numRows);
    left -= skipped;
    return skipped === batch.numRows ? [] : [slicedRecordBatch(batch, skipped, batch.numRows)];
  });
}

function otherByteOrder(): SparkStreamError {
  const message =
    "Its numbers are big-endian, as Spark sends them from such a machine (s390x); only little-endian ones are decoded here. arrowIpcBytes() forwards the stream as it is, for a reader that converts it, such as pyarrow.";
  return new SparkStreamError("UNSUPPORTED", message);
}

async function readCompressed(
  plan: RecordBatchPlan,
  bytes: Uint8Array,
  view: DataView,
  messages: readonly MessageLocation[],
  codecs: ReadonlySet<CodecName>,
): Promise<RecordBatch[]> {
  for (const name of codecs) if (!codecIfLoaded(name)) await loadCodec(name);
  const batches: RecordBatch[] = [];
  for (const message of messages) {
    const name = codecOf(view, message);
    const build = (codec: BodyCodec | undefined) => plan.batch(bytes, view, message, codec);
    batches.push(name ? await withPauses(codecIfLoaded(name)!, build) : build(undefined));
  }
  return batches;
}

/**
 * Moves a body that is not aligned to 8 bytes up to the next multiple, onto the continuation mark of the message after
 * it, which has been read already. The bytes are in the CPU cache and nobody else reads them, so this costs a fraction
 * of a copy. (A gRPC message has five bytes of its own and some fields before the blob, so the blob is hardly ever
 * aligned.) If there is no room after the body, it is not moved, and its buffers are copied one by one.
 */
function withAlignedBody(bytes: Uint8Array, message: MessageLocation): MessageLocation {
  const shift = -(bytes.byteOffset + message.bodyStart) & 7;
  if (shift === 0 || message.end + shift > bytes.length) return message;
  bytes.copyWithin(message.bodyStart + shift, message.bodyStart, message.end);
  return { ...message, bodyStart: message.bodyStart + shift, end: message.end + shift };
}
