import { readdirSync, readFileSync } from "node:fs";

/** Ticks a second, as Linux reports them everywhere. */
const TICKS = 100;

/** CPU seconds of a process and all below it, those that have ended included. Linux only. */
export function cpuSecondsBelow(pid: number): number {
  const processes = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // After the name, which may hold anything: state, parent, …, utime, stime, cutime, cstime.
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")
        .map(Number);
      const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
      processes.set(Number(name), { parent: fields[1]!, ticks });
    } catch {
      // It has ended meanwhile.
    }
  }
  const ticksOf = (root: number): number => {
    const below = [...processes].filter(([, { parent }]) => parent === root).map(([child]) => ticksOf(child));
    return (processes.get(root)?.ticks ?? 0) + below.reduce((sum, ticks) => sum + ticks, 0);
  };
  return ticksOf(pid) / TICKS;
}
