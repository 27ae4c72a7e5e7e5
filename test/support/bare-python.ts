import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findSparkHome } from "../../lib/local/spark-home.js";
import { temporaryDirectory } from "./temporary-directory.js";

/** A Python without the packages that are installed for it. */
export async function barePython(): Promise<string> {
  const { python } = await findSparkHome({});
  const file = join(temporaryDirectory("bare-python"), "python3");
  await writeFile(file, `#!/bin/sh\nexec "${python ?? "python3"}" -S "$@"\n`, { mode: 0o755 });
  return file;
}
