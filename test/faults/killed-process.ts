/** A process that works with a Spark is killed in the middle of it. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SparkUi } from "../support/spark-ui.js";

export interface KilledProcess {
  /** A file here that connects to the Spark, and prints something when it is at work. */
  readonly script: string;
  readonly args?: readonly string[];
  /** The Spark, if it needs one. */
  readonly ui?: SparkUi;
  /** Resolves when it is to be killed. */
  readonly until: (output: Readable) => Promise<unknown>;
}

/** Resolves when the process is dead. */
export async function killProcess({ script, args = [], ui, until }: KilledProcess): Promise<void> {
  const env = ui && { SPARK_REMOTE: ui.server.url, SPARK_CONNECT_AUTHENTICATE_TOKEN: ui.server.token };
  const child: ChildProcessByStdio<null, Readable, null> = spawn(
    process.execPath,
    ["--import", "tsx", fileURLToPath(new URL(script, import.meta.url)), ...args],
    { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const dead = once(child, "exit");
  try {
    await Promise.race([until(child.stdout), dead]);
  } finally {
    child.kill("SIGKILL");
    await dead;
  }
}

/** Resolves to whether all slots become free within `ms` milliseconds. */
export async function slotsAreFree(ui: SparkUi, ms: number): Promise<boolean> {
  for (const begin = performance.now(); (await ui.runningTasks()) > 0; await sleep(200)) {
    if (performance.now() - begin > ms) return false;
  }
  return true;
}
