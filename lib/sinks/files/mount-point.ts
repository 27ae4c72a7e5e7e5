import { readFileSync } from "node:fs";

/** The mounts that this process sees, on Linux: lines of fields, of which the fifth is the path. */
const MOUNTS = "/proc/self/mountinfo";

/**
 * Whether a file is a mount point, as Docker's `-v /host/file:/file` makes it: nothing can be renamed onto it. False on
 * systems without such a list.
 */
export function isMountPoint(path: string, mounts = readMounts()): boolean {
  return mounts.split("\n").some((line) => unescaped(line.split(" ")[4] ?? "") === path);
}

function readMounts(): string {
  try {
    return readFileSync(MOUNTS, "utf8");
  } catch {
    return "";
  }
}

/** White space and backslashes are in octal digits: `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
