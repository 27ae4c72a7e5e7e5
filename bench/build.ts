/**
 * Compiles the contenders and the package they measure to bench/data/build. What is measured must be what users run:
 * loaders that translate TypeScript on the fly add calls of their own to every closure, and memory to every process.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const here = new URL("./", import.meta.url);
const out = new URL("data/build/", here);

/** @throws Error where something does not compile. */
export function build(): void {
  const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", here));
  // Not checked: that is `npm run types`.
  const { status } = spawnSync(process.execPath, [tsc, "--noCheck", "-p", fileURLToPath(here)], { stdio: "inherit" });
  if (status !== 0) throw new Error("The benchmark does not compile; see above.");
}

/** The compiled file of a source of this folder, such as `contenders/bare-drain.ts`. */
export function built(source: string): string {
  return fileURLToPath(new URL(`bench/${source.replace(/\.ts$/, ".js")}`, out));
}
