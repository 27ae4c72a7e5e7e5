import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directories: string[] = [];

process.once("exit", () => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});

/** An empty directory that is removed when the process ends. */
export function temporaryDirectory(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `${name}-`));
  directories.push(path);
  return path;
}
