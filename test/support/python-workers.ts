import { readdirSync, readFileSync } from "node:fs";

/** Process ids of the Python workers below a Spark's Java process: those that its daemon has forked. Linux only. */
export function pythonWorkers(sparkPid: number): number[] {
  return childrenOf(pythonDaemons(sparkPid));
}

/** Process ids of the daemon that forks the Python workers of a Spark's Java process, if it has one. Linux only. */
export function pythonDaemons(sparkPid: number): number[] {
  return childrenOf([sparkPid]);
}

function childrenOf(pids: readonly number[]): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && pids.includes(parentOf(name)))
    .map(Number);
}

/** NaN if the process has ended meanwhile. */
function parentOf(pid: string): number {
  try {
    // pid (name, which may hold anything) state parent …
    return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** Kills one of them, unless it has ended meanwhile. */
export function killWorker(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
