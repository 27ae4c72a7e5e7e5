/**
 * Names beside a target, under which it is written until it is complete. Readers of directories, Spark's too, skip names with a
 * dot in front. What a process that was killed left in a directory is removed by the next that writes there, once per directory.
 */
import { randomUUID } from "node:crypto";
import { opendir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isLeftBehind, processMark } from "../../runtime/process-mark.js";

const NAME = /^\.spark-arrow-stream-[0-9a-f-]+\.tmp$/;

/** Directories that were looked through. */
const tidied = new Set<string>();

/** A path in this directory that nobody has. */
export function temporaryIn(directory: string): string {
  return join(directory, `.spark-arrow-stream-${processMark()}-${randomUUID()}.tmp`);
}

/** Files and folders of processes of this machine that have ended. A directory that many share is read once by each process. */
export async function removeLeftOvers(directory: string): Promise<void> {
  if (tidied.has(directory)) return;
  tidied.add(directory);
  try {
    for await (const { name } of await opendir(directory)) {
      if (!NAME.test(name) || !isLeftBehind(name)) continue;
      await rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
    }
  } catch {
    // A directory can be written to by those who may not read it.
  }
}
