// Temporary files of slow consumers, as the system sees them.
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { spillDirectory } from "../../lib/spool/spill-file.js";

export { spillDirectory };

const DESCRIPTORS = "/proc/self/fd";

/** Whether this system tells which files a process has open. */
export const tellsOpenFiles = existsSync(DESCRIPTORS);

/** Those that this process has open; they have no name any more. */
export function openSpillFiles(): string[] {
  return readdirSync(DESCRIPTORS)
    .map((name) => {
      try {
        return readlinkSync(join(DESCRIPTORS, name));
      } catch {
        return ""; // the one that the directory was read by
      }
    })
    .filter((target) => target.startsWith(spillDirectory));
}
