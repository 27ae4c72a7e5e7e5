/**
 * A core Writable of record batches that writes a folder of files: one per partition at a time, ended by rows or bytes. In,
 * apache-arrow RecordBatch, all of one schema; out, the folder.
 *
 * Memory: rows that wait by partition, PENDING_BYTES of Arrow data and a batch; what the encoders hold back, HELD_BYTES of it, and
 * their pages and dictionaries (parquet-encoder.ts); the names of the partitions.
 */
import type { Writable } from "node:stream";
import type { Field, RecordBatch, Schema } from "apache-arrow";
import type { BatchEncoder, NewEncoder, Pieces } from "../../arrow/batch-encoder.js";
import { SparkStreamError } from "../../errors.js";
import { turn, turnIsDue } from "../../runtime/event-loop.js";
import { BatchCheck, type BatchWriterOptions, type LoadEncoder, schemaOf } from "../batch-encoding.js";
import type { BatchWritable } from "../batch-writer.js";
import type { ByteTarget } from "../files/byte-target.js";
import { pathOf } from "../files/target-of.js";
import { TargetWriter } from "../files/target-writer.js";
import { AtomicFolder } from "./atomic-folder.js";
import { type FolderOptions, folderDefaults } from "./folder-options.js";
import type { FolderRows, PartitionSplit } from "./partition-split.js";

export interface FileFormat {
  /** Of the files' names, with its dot. */
  readonly extension: string;
  readonly load: LoadEncoder;
  /** Around each file, such as a compression. */
  readonly wrap?: (file: ByteTarget) => ByteTarget;
}

/** @throws SparkStreamError INVALID_ARGUMENT for a target that is neither a path nor a file: URL */
export function folderWriter(
  name: string,
  target: string | URL | Writable,
  options: BatchWriterOptions & FolderOptions,
  format: FileFormat,
): BatchWritable {
  const path = pathOf(target);
  if (path === undefined) {
    const message = `${name}() writes a folder with these options, and so the target must be a path or a file: URL.`;
    throw new SparkStreamError("INVALID_ARGUMENT", message);
  }
  return new FolderWriter(name, path, options, format);
}

/** Rows wait for others of their partition, so that files are not opened and closed for a few of them. */
const PENDING_BYTES = 32 * 1024 * 1024;
const HELD_BYTES = 128 * 1024 * 1024;

/** A file that is being written. */
interface OpenFile {
  readonly encoder: BatchEncoder;
  readonly target: ByteTarget;
  rows: number;
  bytes: number;
  /** Bytes of Arrow data that the encoder holds back. */
  held: number;
}

class FolderWriter extends TargetWriter<AtomicFolder> {
  readonly #name: string;
  readonly #options: BatchWriterOptions & FolderOptions;
  readonly #format: FileFormat;
  readonly #check: BatchCheck;
  #newEncoder!: NewEncoder;
  #modules!: typeof import("../../arrow/writer-schema.js") &
    typeof import("../../arrow/record-batch.js") &
    typeof import("./partition-split.js");
  #split: PartitionSplit | undefined;
  #schema: Schema | undefined;
  /** By folder, that which was written to longest ago first. */
  readonly #open = new Map<string, OpenFile>();
  /** The number of files that each folder has. */
  readonly #files = new Map<string, number>();
  /** Rows by folder, and bytes of the batches that they are of. */
  #pending = new Map<string, RecordBatch[]>();
  #pendingBytes = 0;
  /** Bytes that all encoders hold back. */
  #held = 0;

  constructor(name: string, path: string, options: BatchWriterOptions & FolderOptions, format: FileFormat) {
    super(new AtomicFolder(path, options.mode), { objectMode: true, highWaterMark: 1 }, options.signal);
    this.#name = name;
    this.#options = options;
    this.#format = format;
    this.#check = new BatchCheck(name, options);
  }

  get #mostOpen(): number {
    const { partitionBy, maxOpenFiles = folderDefaults.maxOpenFiles } = this.#options;
    return partitionBy ? maxOpenFiles : 1;
  }

  protected override async open(): Promise<void> {
    const [newEncoder, schemas, batches, splits] = await Promise.all([
      this.#format.load(this.#mostOpen),
      import("../../arrow/writer-schema.js"),
      import("../../arrow/record-batch.js"),
      import("./partition-split.js"),
      this.#check.open(),
      super.open(),
    ]);
    this.#newEncoder = newEncoder;
    this.#modules = { ...schemas, ...batches, ...splits };
  }

  protected override async take(chunk: unknown): Promise<void> {
    const batch = this.#check.batch(chunk);
    this.#learn(this.#check.fields, batch.schema.metadata);
    if (!this.#split) return await this.#write("", batch);
    for (const part of this.#split.split(batch)) {
      if (part) this.#add(part);
      if (turnIsDue()) await turn();
    }
    this.#pendingBytes += batch.data.byteLength;
    if (this.#pendingBytes >= PENDING_BYTES) await this.#writePending();
  }

  #add({ folder, batch }: FolderRows): void {
    const { maxPartitions = folderDefaults.maxPartitions, partitionBy } = this.#options;
    const waiting = this.#pending.get(folder);
    if (waiting) {
      waiting.push(batch);
      return;
    }
    if (!this.#files.has(folder)) {
      if (this.#files.size >= maxPartitions) {
        const message = `partitionBy: ${partitionBy!.join(", ")} have more than ${maxPartitions} different values, and each would be a folder. Choose columns of fewer values, or raise maxPartitions.`;
        throw new SparkStreamError("INVALID_ARGUMENT", message);
      }
      this.#files.set(folder, 0);
    }
    this.#pending.set(folder, [batch]);
  }

  async #writePending(): Promise<void> {
    const pending = this.#pending;
    this.#pending = new Map();
    this.#pendingBytes = 0;
    for (const [folder, batches] of pending) {
      for (const batch of batches) {
        await this.#write(folder, batch);
        if (this.destroyed) return;
      }
    }
  }

  #learn(fields: readonly Field[], metadata: ReadonlyMap<string, string>): void {
    if (this.#schema) return;
    const { partitionBy } = this.#options;
    const { PartitionSplit, writerSchema } = this.#modules;
    if (partitionBy) this.#split = new PartitionSplit(fields, partitionBy);
    this.#schema = writerSchema(this.#split?.fields ?? fields, metadata);
  }

  async #write(folder: string, batch: RecordBatch): Promise<void> {
    const { maxRowsPerFile = Number.POSITIVE_INFINITY, maxBytesPerFile = Number.POSITIVE_INFINITY } = this.#options;
    for (let row = 0; row < batch.numRows; ) {
      const file = await this.#fileOf(folder);
      const rows = Math.min(batch.numRows - row, maxRowsPerFile - file.rows);
      const part = rows === batch.numRows ? batch : this.#modules.slicedRecordBatch(batch, row, row + rows);
      if (file.encoder.flush) this.#hold(file, part.data.byteLength);
      await this.#send(file, file.encoder.batch(part));
      if (this.destroyed) return;
      row += rows;
      file.rows += rows;
      if (file.rows >= maxRowsPerFile || file.bytes >= maxBytesPerFile) await this.#end(folder, file);
      else await this.#flush();
    }
  }

  #hold(file: OpenFile, bytes: number): void {
    file.held += bytes;
    this.#held += bytes;
  }

  /** Has the encoder that holds back most give it, if all together hold back too much. */
  async #flush(): Promise<void> {
    if (this.#held <= HELD_BYTES) return;
    const open = [...this.#open.values()];
    const most = open.reduce((one, other) => (other.held > one.held ? other : one));
    if (most.encoder.flush) await this.#send(most, most.encoder.flush());
  }

  async #fileOf(folder: string): Promise<OpenFile> {
    const found = this.#open.get(folder);
    if (found) this.#open.delete(folder); // and behind the others
    const file = found ?? (await this.#newFile(folder));
    this.#open.set(folder, file);
    return file;
  }

  async #newFile(folder: string): Promise<OpenFile> {
    if (this.#open.size >= this.#mostOpen) {
      const [oldest, file] = this.#open.entries().next().value!;
      await this.#end(oldest, file);
    }
    const number = this.#files.get(folder) ?? 0;
    this.#files.set(folder, number + 1);
    const { extension, wrap = (same) => same } = this.#format;
    const name = `part-${String(number).padStart(5, "0")}${extension}`;
    const target = await this.target.create(folder, name, wrap);
    return { encoder: await this.#newEncoder(this.#schema!), target, rows: 0, bytes: 0, held: 0 };
  }

  async #end(folder: string, file: OpenFile): Promise<void> {
    this.#open.delete(folder);
    await this.#send(file, file.encoder.finish());
    await this.target.close(file.target);
  }

  async #send(file: OpenFile, pieces: Pieces): Promise<void> {
    for await (const bytes of pieces) {
      if (bytes) {
        await this.target.run(() => file.target.write(bytes));
        file.bytes += bytes.length;
        this.#hold(file, -file.held);
      }
      if (turnIsDue()) await turn();
      if (this.destroyed) return;
    }
  }

  protected override async finish(): Promise<void> {
    if (!this.#schema) {
      const { fields, metadata } = await schemaOf(this.#name, this.#options);
      this.#learn(fields, metadata);
    }
    await this.#writePending();
    // Without rows there is one file, which has the columns; a partition without rows has no folder.
    if (this.#files.size === 0 && !this.#split) await this.#fileOf("");
    for (const [folder, file] of [...this.#open]) await this.#end(folder, file);
  }
}
