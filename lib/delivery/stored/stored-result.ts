/** A stored result as plain JSON: what any process needs to read it, without Spark. */
import { createHash } from "node:crypto";
import { SparkStreamError } from "../../errors.js";
import { isBag, isFilled } from "../../runtime/check-options.js";
import type { StoredFile, StoredPartition } from "./stored-file.js";

const FORMAT = "spark-arrow-stream/stored-result";
const VERSION = 1;
/** What newDirectory() makes: a name, and nothing that leads elsewhere. */
const DIRECTORY = /^spark-arrow-result-\d{8}T\d{9}Z-[0-9a-f]{12}$/;
const FILE = /^[\w.-]+$/;

/**
 * A result that `storeResult()` has stored. It is plain JSON: keep it, send it, and give it to `sparkStream()` in any process
 * that can read the store.
 */
export interface StoredResult {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** The store's. */
  readonly uri: string;
  /** The result's own directory in the store, which has nothing else. */
  readonly directory: string;
  /** An Arrow IPC stream without a batch, in base64. */
  readonly schema: string;
  readonly rows: number;
  /** As they are stored. */
  readonly bytes: number;
  /** All partitions of the frame, in order. */
  readonly partitions: readonly StoredResultPartition[];
  /** SHA-256 of all of the above, in hex: of a result that was changed or cut it is another. */
  readonly sha256: string;
}

export interface StoredResultPartition extends StoredPartition {
  readonly rows: number;
}

export function storedResult(
  uri: string,
  directory: string,
  schema: Uint8Array,
  partitions: readonly StoredPartition[],
): StoredResult {
  const counted = partitions
    .map(({ id, files }) => ({ id, rows: sum(files, "rows"), files }))
    .sort((one, other) => one.id - other.id);
  const files = counted.flatMap((partition) => partition.files);
  const content = {
    format: FORMAT,
    version: VERSION,
    uri,
    directory,
    schema: Buffer.from(schema).toString("base64"),
    rows: sum(files, "rows"),
    bytes: sum(files, "bytes"),
    partitions: counted,
  } as const;
  return { ...content, sha256: digestOf(content) };
}

/** Whether the value is meant as a stored result, of any version. */
export function isStoredResult(value: unknown): value is StoredResult {
  return isBag(value) && (value as Partial<StoredResult>).format === FORMAT;
}

/** @throws SparkStreamError INVALID_INPUT if it is of another version, or is not as `storeResult()` made it */
export function checkStoredResult(result: StoredResult): void {
  if (result.version !== VERSION) {
    throw invalid(`it has version ${JSON.stringify(result.version)}, and this package reads version ${VERSION}`);
  }
  let isIntact: boolean;
  try {
    isIntact = result.sha256 === digestOf(result) && DIRECTORY.test(result.directory) && isFilled(result.uri);
    isIntact &&= result.partitions.every(({ files }) => files.every(({ name }) => FILE.test(name)));
  } catch {
    isIntact = false;
  }
  if (!isIntact) throw invalid("it was changed since storeResult() made it, or a part of it is missing");
}

function invalid(why: string): SparkStreamError {
  return new SparkStreamError("INVALID_INPUT", `This is not a stored result that can be read: ${why}.`);
}

/** Of the values in a fixed order, so that JSON that was read and written again has the same. */
function digestOf(result: Omit<StoredResult, "sha256">): string {
  const { format, version, uri, directory, schema, rows, bytes, partitions } = result;
  const listed = partitions.map(({ id, rows, files }) => [
    id,
    rows,
    files.map((file) => [file.name, file.rows, file.bytes, file.sha256]),
  ]);
  const text = JSON.stringify([format, version, uri, directory, schema, rows, bytes, listed]);
  return createHash("sha256").update(text).digest("hex");
}

function sum(files: readonly StoredFile[], field: "rows" | "bytes"): number {
  return files.reduce((total, file) => total + file[field], 0);
}
