/**
 * A RowCursor over a user's own rows `{ arrow_ipc_bytes }`: a Node or streamx Readable, a web ReadableStream, or an
 * iterable.
 */
import { Readable } from "node:stream";
import type { ReadableStream, ReadableStreamReadResult } from "node:stream/web";
import { isUint8Array } from "node:util/types";
import { SparkStreamError } from "../errors.js";
import type { ArrowIpcRow } from "./arrow-ipc-row.js";
import type { RowCursor } from "./row-source.js";

/** A row as defined by SPARK-54337, which other clients return too. */
export interface InputRow {
  readonly arrow_ipc_bytes: Uint8Array;
}

/** A source of rows. A stream is destroyed (a web stream cancelled) when the batches are no longer wanted. */
export type RowInput = AsyncIterable<InputRow> | Iterable<InputRow> | ReadableStream<InputRow>;

/** @internal @throws SparkStreamError INVALID_INPUT if the input is not iterable, or is already consumed, destroyed or locked. */
export function inputRows(input: RowInput): RowCursor {
  const puller = pull(input);
  let index = 0;
  return {
    async next() {
      const { done, value } = await puller.next();
      return done ? undefined : checkedRow(value, index++);
    },
    close: puller.close,
  };
}

const NO_ROWS = "it is neither a DataFrame nor a stream or iterable of rows { arrow_ipc_bytes }";
const READ_BEFORE = "something else has read from the stream, so rows would be missing";

interface Puller {
  next(): Promise<IteratorResult<unknown> | ReadableStreamReadResult<unknown>>;
  close(): Promise<void>;
}

function pull(input: RowInput): Puller {
  if (typeof input !== "object" || input === null) throw unusable(NO_ROWS);
  if (isWebStream(input)) {
    if (input.locked) throw unusable("the ReadableStream is locked: something else reads from it");
    if (Readable.isDisturbed(input)) throw unusable(READ_BEFORE);
    const reader = input.getReader();
    return { next: () => reader.read(), close: () => reader.cancel() };
  }
  const stream = input as Partial<Readable>;
  if (stream.destroyed || stream.readableEnded) throw unusable("the stream has already ended or been destroyed");
  if (Readable.isDisturbed(stream as Readable)) throw unusable(READ_BEFORE);
  const iterator = iteratorOf(input);
  if (typeof stream.destroy === "function") {
    return {
      next: async () => iterator.next(),
      close: async () => {
        stream.destroy?.();
      },
    };
  }
  return {
    next: async () => iterator.next(),
    // Not awaited: a generator that is waiting for something settles return() only after that.
    close: async () => {
      Promise.resolve(iterator.return?.()).catch(() => {});
    },
  };
}

function iteratorOf(input: AsyncIterable<InputRow> | Iterable<InputRow>): AsyncIterator<unknown> | Iterator<unknown> {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = input as Partial<
    AsyncIterable<InputRow> & Iterable<InputRow>
  >;
  const iterator = (asynchronous ?? synchronous) as unknown;
  if (typeof iterator !== "function") throw unusable(NO_ROWS);
  return iterator.call(input);
}

function isWebStream(input: RowInput): input is ReadableStream<InputRow> {
  return typeof (input as Partial<ReadableStream>).getReader === "function";
}

function checkedRow(value: unknown, index: number): ArrowIpcRow {
  const bytes = (value as Partial<InputRow> | null | undefined)?.arrow_ipc_bytes;
  if (isUint8Array(bytes)) return { arrow_ipc_bytes: bytes };
  const found = bytes === null ? "null" : bytes === undefined ? "missing" : `a ${typeof bytes}`;
  const message = `Row ${index} of the stream cannot be read: its arrow_ipc_bytes must be a Uint8Array, but is ${found}.`;
  throw new SparkStreamError("INVALID_INPUT", message);
}

function unusable(reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_INPUT", `sparkStream() cannot read its source: ${reason}.`);
}
