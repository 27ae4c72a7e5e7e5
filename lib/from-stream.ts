/**
 * spark.fromStream(): a stream as a DataFrame. A plan may read its input more than once, and a stream can be read once: so it is taken
 * into a checkpoint first, on the executors' disks or in the server's checkpoint directory, and the frame stands on that.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { FromStreamOptions, StreamInput } from "./connect/session/results.js";
import type { DataFrame, SparkSession } from "./connect/session/session.js";
import { Checkpoint } from "./delivery/staged/checkpoint.js";
import { SparkStreamError } from "./errors.js";
import { rowWriter } from "./ingest/row-writer.js";
import type { RunOptions } from "./runtime/call-options.js";
import { isObject } from "./runtime/check-options.js";
import { SharedRun } from "./runtime/shared-run.js";
import { checkFromStream } from "./write-options.js";

/** The stream is read with the frame's first use. @throws SparkStreamError INVALID_ARGUMENT, INVALID_INPUT */
export function fromStream(session: SparkSession, source: StreamInput, options: FromStreamOptions): DataFrame {
  checkFromStream(options);
  checkSource(source);
  const taken = new SharedRun((run) => take(session, source, options, run));
  return session.range(0).withPlan(async (run) => {
    if (taken.abandoned)
      throw unusable("its first use was aborted while the stream was read. Make it again, of another stream");
    const checkpoint = await taken.wait(run);
    return await checkpoint.frame.relation(run);
  });
}

async function take(
  session: SparkSession,
  source: StreamInput,
  options: FromStreamOptions,
  { signal, tags }: RunOptions & { signal: AbortSignal },
): Promise<Checkpoint> {
  let checkpoint: Checkpoint | undefined;
  const writer = rowWriter(
    "fromStream()",
    session,
    async (frame, run) => {
      checkpoint = await Checkpoint.of(frame, run);
      await checkpoint.partitions(run); // computes all of them
    },
    { ...options, ...(tags && { tags }), signal },
  );
  await pipeline(source as NodeJS.ReadableStream, writer, { signal });
  if (checkpoint) return checkpoint;
  throw new SparkStreamError("QUERY_FAILED", "Spark made no checkpoint.");
}

function checkSource(source: unknown): void {
  if (!isStream(source)) throw unusable("it is neither a stream nor an iterable of record batches or row objects");
  const { destroyed, readableEnded, locked } = source as Partial<Readable> & { locked?: boolean };
  if (destroyed || readableEnded || locked || Readable.isDisturbed(source as Readable)) {
    throw unusable("something else has read from the stream, or has ended it");
  }
}

function isStream(source: unknown): boolean {
  if (!isObject(source) || ArrayBuffer.isView(source) || source instanceof Map) return false;
  const found = source as Partial<ReadableStream & Iterable<unknown> & AsyncIterable<unknown>>;
  const methods = [found.getReader, found[Symbol.iterator], found[Symbol.asyncIterator]];
  return methods.some((method) => typeof method === "function");
}

function unusable(why: string): SparkStreamError {
  return new SparkStreamError("INVALID_INPUT", `fromStream() cannot take this source: ${why}.`);
}
