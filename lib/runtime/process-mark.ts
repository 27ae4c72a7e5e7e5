/**
 * Marks the names of temporary files with the process that made them, so that another process can remove the files of a
 * killed one. A process id is valid only on one machine, and there only within one container, but several of them may
 * share a directory.
 */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

const MARK = /([0-9a-f]{12})-(\d+)/;

let machine: string | undefined;

/** The mark of this process. */
export function processMark(): string {
  return `${thisMachine()}-${process.pid}`;
}

/** Whether a name has the mark of a process of this machine that has ended. */
export function isLeftBehind(name: string): boolean {
  const [, where, pid] = MARK.exec(name) ?? [];
  return where === thisMachine() && !isAlive(Number(pid));
}

function thisMachine(): string {
  if (machine !== undefined) return machine;
  const facts = [
    hostname(),
    tryTo(() => readFileSync("/etc/machine-id", "utf8")),
    tryTo(() => readlinkSync("/proc/self/ns/pid")),
  ];
  machine = createHash("sha256").update(facts.join("\n")).digest("hex").slice(0, 12);
  return machine;
}

function tryTo(read: () => string): string {
  try {
    return read();
  } catch {
    return ""; // not available on every system
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
