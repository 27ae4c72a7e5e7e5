import { readdirSync, readFileSync } from "node:fs";

/** Process ids of the Python workers below a Spark's Java process: those that its daemon has forked. Linux only. */
export function pythonWorkers(sparkPid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // pid (name, which may hold anything) state parent …
      const parent = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1];
      parents.set(Number(name), Number(parent));
    } catch {
      // It has ended meanwhile.
    }
  }
  const below = (pids: ReadonlySet<number>) =>
    new Set([...parents].filter(([, parent]) => pids.has(parent)).map(([pid]) => pid));
  return [...below(below(new Set([sparkPid])))];
}

/** Kills one of them, unless it has ended meanwhile. */
export function killWorker(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
