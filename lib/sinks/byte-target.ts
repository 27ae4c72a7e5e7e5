/**
 * Where a sink's bytes go: a file that appears when it is complete, or any Writable. An encoder knows neither.
 *
 *     open → write* → commit        each awaited before the next
 *     abort                         at any moment, also while one of those is under way; again and again
 */
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { SparkStreamError } from "../errors.js";
import { AtomicFile } from "./atomic-file.js";
import { StreamTarget } from "./stream-target.js";

export interface ByteTarget {
  /** @param onFailure called when the target fails while nobody waits for it. */
  open(onFailure: (error: Error) => void): Promise<void>;
  /** Settles when the target has room for more. The bytes are not changed afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes what was written final. */
  commit(): Promise<void>;
  /** Leaves nothing that looks finished; without effect after a commit. Never rejects. */
  abort(error: Error | null): Promise<void>;
}

/** @throws SparkStreamError INVALID_ARGUMENT */
export function byteTarget(target: string | URL | Writable): ByteTarget {
  if (typeof target === "string" && target !== "" && !target.includes("\0")) return new AtomicFile(target);
  if (target instanceof URL && target.protocol === "file:") return new AtomicFile(pathOf(target));
  if (typeof target === "object" && target !== null && "write" in target && typeof target.write === "function") {
    if ((target as Writable).writableObjectMode) throw invalid("a Writable in object mode");
    return new StreamTarget(target as Writable);
  }
  throw invalid(
    target instanceof URL ? target.href : typeof target === "string" ? JSON.stringify(target) : typeof target,
  );
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw invalid(url.href);
  }
}

function invalid(what: string): SparkStreamError {
  return new SparkStreamError(
    "INVALID_ARGUMENT",
    `The target must be a path, a file: URL, or a Writable that takes bytes, and is ${what}.`,
  );
}
