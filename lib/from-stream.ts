/**
 * spark.fromStream(): a stream as a DataFrame. A plan may read its input more than once, and a stream can be read once: so it is taken
 * into checkpoints first, on the executors' disks or in the server's checkpoint directory, and the frame stands on those.
 */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { Checkpoint, hasCheckpointDirectory } from "./connect/session/checkpoint.js";
import type { RelationInit } from "./connect/session/plan.js";
import type { FromStreamOptions, StreamInput } from "./connect/session/results.js";
import { DataFrame, type SparkSession } from "./connect/session/session.js";
import { SparkStreamError } from "./errors.js";
import type { WriteFrame } from "./ingest/ingest.js";
import { rowWriter } from "./ingest/row-writer.js";
import { untilAborted } from "./runtime/abort.js";
import { checkRunOptions, type RunOptions } from "./runtime/call-options.js";
import { isObject } from "./runtime/check-options.js";
import { SharedRun } from "./runtime/shared-run.js";
import { checkFromStream } from "./write-options.js";

/** The stream is read with the frame's first use. @throws SparkStreamError INVALID_ARGUMENT, INVALID_INPUT */
export function fromStream(session: SparkSession, source: StreamInput, options: FromStreamOptions): DataFrame {
  checkFromStream(options);
  checkSource(source);
  return new StreamFrame(session, new TakenStream(session, source, options));
}

/** Its `unpersist()` frees the executors' disks. */
class StreamFrame extends DataFrame {
  readonly #taken: TakenStream;

  constructor(session: SparkSession, taken: TakenStream) {
    super(session, (run) => taken.relation(run));
    this.#taken = taken;
  }

  override async unpersist(options: RunOptions = {}): Promise<this> {
    checkRunOptions(options, "unpersist()");
    await this.#taken.remove();
    return this;
  }
}

/** What stands for the stream on the server, once it was read. */
interface Taken {
  readonly relation: RelationInit;
  readonly checkpoints: readonly Checkpoint[];
}

class TakenStream {
  readonly #session: SparkSession;
  readonly #source: StreamInput;
  readonly #options: FromStreamOptions;
  readonly #run = new SharedRun<Taken>((run) => (this.#options.once ? this.#give(run) : this.#take(run)));
  readonly #removing = new AbortController();
  #begun = false;
  #removed: Promise<void> | undefined;

  constructor(session: SparkSession, source: StreamInput, options: FromStreamOptions) {
    this.#session = session;
    this.#source = source;
    this.#options = options;
  }

  async relation(run: RunOptions): Promise<RelationInit> {
    if (this.#removed) throw unusable("its frame was removed by unpersist(). Make it again, of another stream");
    if (this.#run.abandoned)
      throw unusable("its first use was aborted while the stream was read. Make it again, of another stream");
    this.#begun = true;
    return (await this.#run.wait(run)).relation;
  }

  /** Also while the stream is read. Never rejects. */
  remove(): Promise<void> {
    this.#removed ??= this.#remove();
    return this.#removed;
  }

  async #remove(): Promise<void> {
    this.#removing.abort();
    if (!this.#begun) return;
    const taken = await this.#run.wait({}).catch(() => undefined);
    await Promise.all((taken?.checkpoints ?? []).map((checkpoint) => checkpoint.remove(false)));
  }

  async #take({ signal, tags }: RunOptions & { signal: AbortSignal }): Promise<Taken> {
    let taken: Taken | undefined;
    const write: WriteFrame = async (frame, run, made) => {
      const own = this.#options.delivery === "pull" ? await checkpointOf(frame, run) : undefined;
      const relation = await (own?.frame ?? frame).relation(run);
      taken = { relation, checkpoints: own ? [own] : made };
    };
    const stopped = AbortSignal.any([signal, this.#removing.signal]);
    const options = { ...this.#options, ...(tags && { tags }), signal: stopped, keepCheckpoints: true };
    const writer = rowWriter("fromStream()", this.#session, write, options);
    await pipeline(this.#source as NodeJS.ReadableStream, writer, { signal: stopped });
    if (taken) return taken;
    throw new SparkStreamError("QUERY_FAILED", "Spark made no checkpoint.");
  }

  /** The rows go to the query that the frame is used in, which ends without this being told. */
  #give({ signal, tags }: RunOptions & { signal: AbortSignal }): Promise<Taken> {
    const stopped = this.#removing.signal;
    return new Promise((resolve, reject) => {
      const write: WriteFrame = async (frame, run) => {
        resolve({ relation: await frame.relation({ ...run, signal }), checkpoints: [] });
        await untilAborted(run.signal, new Promise<never>(() => {}));
      };
      const options = { ...this.#options, delivery: "pull", isForOthers: true, signal: stopped } as const;
      const writer = rowWriter("fromStream()", this.#session, write, { ...options, ...(tags && { tags }) });
      pipeline(this.#source as NodeJS.ReadableStream, writer, { signal: stopped }).catch(reject);
    });
  }
}

/** All of it: the stream has been read when this is there. */
async function checkpointOf(frame: DataFrame, run: RunOptions): Promise<Checkpoint> {
  const local = !(await hasCheckpointDirectory(frame.session, run));
  const user = { name: 'fromStream() with delivery: "pull"', instead: 'Use delivery: "upload", for up to 64 MiB.' };
  return await Checkpoint.of(frame, { local, eager: true, user }, run);
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
