/** The options common to calls, and their check. */
import { abortSignal, checkOptions, isTag, type OptionTable } from "./check-options.js";

/** The options of a call to the server. */
export interface CallOptions {
  /** Ends the call at once, with an AbortError; its operations on the server are interrupted. */
  signal?: AbortSignal | undefined;
}

/** The options of a call that may run an operation on Spark. */
export interface RunOptions extends CallOptions {
  /** Tags by which `session.interruptTag()` finds the operation. A tag must not be empty or contain a comma. */
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
