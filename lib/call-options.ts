/** Options that calls have in common, and their check. */
import { SparkStreamError } from "./errors.js";

/** Options of a call to the server. */
export interface CallOptions {
  /** Ends the call at once, with an AbortError; what it runs on the server is interrupted. */
  signal?: AbortSignal | undefined;
}

/** Options of a call that may run something on Spark. */
export interface RunOptions extends CallOptions {
  /** What `session.interruptTag()` finds it by. No tag is empty or has a comma. */
  tags?: readonly string[] | undefined;
}

const callOptions = ["signal"] as const;
const runOptions = [...callOptions, "tags"] as const;

/** @throws SparkStreamError INVALID_ARGUMENT @param call its name, for the message */
export function checkCallOptions(options: CallOptions, call: string): void {
  checkKnown(options, call, callOptions);
}

/** @throws SparkStreamError INVALID_ARGUMENT @param call its name, for the message */
export function checkRunOptions(options: RunOptions, call: string): void {
  checkKnown(options, call, runOptions);
  const { tags } = options;
  if (tags !== undefined && !isTags(tags)) {
    throw invalid(call, "tags must be an array of strings, none of them empty or with a comma");
  }
}

export function isSignal(signal: unknown): boolean {
  return typeof (signal as AbortSignal | null)?.addEventListener === "function";
}

export function isTags(tags: unknown): boolean {
  return Array.isArray(tags) && tags.every((tag) => typeof tag === "string" && tag !== "" && !tag.includes(","));
}

function checkKnown(options: CallOptions, call: string, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw invalid(call, "options must be an object");
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw invalid(call, `Unknown option ${JSON.stringify(name)}. Known options: ${known.join(", ")}`);
  }
  if (options.signal !== undefined && !isSignal(options.signal)) throw invalid(call, "signal must be an AbortSignal");
}

function invalid(call: string, reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `${call}: ${reason}.`);
}
