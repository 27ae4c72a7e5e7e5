import { execFile } from "node:child_process";
import { SparkStreamError } from "../errors.js";
import { noFilesAdvice, noFilesLeft } from "../runtime/open-files.js";

export interface CommandResult {
  /** The exit status; -1 for a command that was killed, also because of the timeout. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** ms */
  timeout?: number;
}

/**
 * Runs a short command and returns its output. Resolves with undefined if there is no such command; rejects with the
 * signal's reason.
 *
 * @throws SparkStreamError LOCAL_SPARK_FAILED if this process cannot start another one
 */
export function runCommand(
  command: string,
  args: string[],
  options: CommandOptions,
): Promise<CommandResult | undefined> {
  const { env, signal, timeout = 60_000 } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, timeout, ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!error) return resolve({ status: 0, stdout, stderr });
      if (isNoCommand(error.code)) return resolve(undefined);
      if (typeof error.code === "string") return reject(cannotStart(command, error));
      resolve({ status: error.code ?? -1, stdout, stderr });
    });
  });
}

/** Whether the command does not exist or is not executable: a file without rights, or not a file. */
function isNoCommand(code: unknown): boolean {
  return ["ENOENT", "EACCES", "ENOTDIR", "ENOEXEC", "ELOOP"].includes(code as string);
}

/** Makes the error for a command that exists, as far as known, but cannot be started. */
export function cannotStart(command: string, cause: Error): SparkStreamError {
  const advice = noFilesLeft(cause.message) ? ` ${noFilesAdvice}.` : "";
  const message = `This process cannot start ${command}: ${cause.message}.${advice}`;
  return new SparkStreamError("LOCAL_SPARK_FAILED", message, { cause });
}
