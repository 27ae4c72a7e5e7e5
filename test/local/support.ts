import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SparkStreamError } from "../../lib/errors.js";

/** To be called in a suite: a directory for each of its tests, removed after the test. */
export function useScratch(): () => string {
  let directory = "";
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "local-test-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  return () => directory;
}

/** The error that `promise` must end in. */
export async function failure(promise: Promise<unknown>): Promise<SparkStreamError> {
  const error = await promise.then(
    () => new Error("It did not fail."),
    (reason: unknown) => reason,
  );
  if (error instanceof SparkStreamError) return error;
  throw error;
}

/** Writes a shell script that can be run. */
export async function script(path: string, body: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Whether the process runs; one that has ended and that nobody asked for its status does not. */
export function alive(pid: number): boolean {
  try {
    return !/^\s*(Z|$)/.test(execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }));
  } catch {
    return false;
  }
}
