import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { SparkStreamError } from "../../errors.js";
import { shown } from "../../runtime/check-options.js";
import { checkText } from "../../runtime/well-formed.js";
import { AtomicFile } from "./atomic-file.js";
import type { ByteTarget } from "./byte-target.js";
import { StreamTarget } from "./stream-target.js";

/**
 * What a user names as the target of a sink.
 *
 * @throws SparkStreamError INVALID_ARGUMENT
 */
export function targetOf(target: string | URL | Writable): ByteTarget {
  const path = pathOf(target);
  return path === undefined ? new StreamTarget(target as Writable) : new AtomicFile(path);
}

/**
 * The path of a target; undefined for a Writable.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for what is neither
 */
export function pathOf(target: string | URL | Writable): string | undefined {
  if (typeof target === "string" && target !== "" && !target.includes("\0")) {
    checkText("The target", target);
    return target;
  }
  if (target instanceof URL && target.protocol === "file:") return pathOfUrl(target);
  if (isWritable(target)) return undefined;
  throw invalid(target instanceof URL ? target.href : shown(target));
}

function pathOfUrl(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw invalid(url.href);
  }
}

/** Whether a value is a Writable, of Node or of streamx. A Buffer, which has `write` too, is not one. */
function isWritable(target: unknown): target is Writable {
  const { write, end, once } = (target ?? {}) as Partial<Writable>;
  return [write, end, once].every((method) => typeof method === "function");
}

function invalid(what: string): SparkStreamError {
  return new SparkStreamError(
    "INVALID_ARGUMENT",
    `The target must be a path, a file: URL, or a Writable, not ${what}.`,
  );
}
