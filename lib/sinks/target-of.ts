import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { SparkStreamError } from "../errors.js";
import { AtomicFile } from "./atomic-file.js";
import type { ByteTarget } from "./byte-target.js";
import { StreamTarget } from "./stream-target.js";

/**
 * What a user names as the target of a sink.
 *
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function targetOf(target: string | URL | Writable): ByteTarget {
  if (typeof target === "string" && target !== "" && !target.includes("\0")) return new AtomicFile(target);
  if (target instanceof URL && target.protocol === "file:") return new AtomicFile(pathOf(target));
  if (typeof (target as Writable | null)?.write === "function") return new StreamTarget(target as Writable);
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
    `The target must be a path, a file: URL, or a Writable, and is ${what}.`,
  );
}
