import { execFile } from "node:child_process";

export interface ProbeResult {
  /** The exit status; -1 for a command that was killed, also for being too slow. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProbeOptions {
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** ms */
  timeout?: number;
}

/**
 * Runs a short command to see what it says. Resolves with undefined where there is no such command; rejects with the
 * signal's reason alone.
 */
export function probe(command: string, args: string[], options: ProbeOptions): Promise<ProbeResult | undefined> {
  const { env, signal, timeout = 60_000 } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, timeout, ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!error) return resolve({ status: 0, stdout, stderr });
      if (typeof error.code === "string") return resolve(undefined); // ENOENT, EACCES
      resolve({ status: error.code ?? -1, stdout, stderr });
    });
  });
}
