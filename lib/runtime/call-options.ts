/** Options that calls have in common, and their check. */
import { abortSignal, checkOptions, isTag, type OptionTable } from "./check-options.js";

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

const callOptions: OptionTable<CallOptions> = { signal: abortSignal };

export const runOptions: OptionTable<RunOptions> = {
  ...callOptions,
  tags: [(tags) => Array.isArray(tags) && tags.every(isTag), "an array of strings, none of them empty or with a comma"],
};

/** @throws SparkStreamError INVALID_ARGUMENT @param call its name, for the message */
export function checkCallOptions(options: CallOptions, call: string): void {
  checkOptions(call, options, callOptions);
}

/** @throws SparkStreamError INVALID_ARGUMENT @param call its name, for the message */
export function checkRunOptions(options: RunOptions, call: string): void {
  checkOptions(call, options, runOptions);
}
