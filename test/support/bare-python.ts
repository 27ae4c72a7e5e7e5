import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSparkHome } from "../../lib/local/spark-home.js";

/** A Python without the packages that are installed for it. */
export async function barePython(): Promise<string> {
  const { python } = await findSparkHome({});
  const file = join(await mkdtemp(join(tmpdir(), "bare-python-")), "python3");
  await writeFile(file, `#!/bin/sh\nexec "${python ?? "python3"}" -S "$@"\n`, { mode: 0o755 });
  return file;
}
