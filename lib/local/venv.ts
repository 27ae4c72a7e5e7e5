import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SparkStreamError } from "../errors.js";
import { cacheDir } from "./cache-dir.js";
import { diskFull, isDiskFull } from "./disk-full.js";
import { withInstallLock } from "./install-lock.js";
import { HASHES_VARIABLE, type Hashes, pipInstall } from "./pip.js";
import type { OnProgress } from "./progress.js";
import { findPython } from "./python.js";
import { runCommand } from "./run-command.js";

export interface VenvOptions {
  /** The beginning of the directory's name, and what progress messages call it, e.g. "spark-4.3.0". */
  name: string;
  /** Exact versions: "pyspark==4.3.0". Other versions go to another directory. */
  packages: readonly string[];
  /** SHA-256 of the files of each package, and of those of `build`. With them, no other file is installed. */
  hashes?: Hashes;
  /** With `hashes`: the packages with which source packages are built. */
  build?: readonly string[];
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
  /** Called after the installation and before it counts as complete. */
  finish?: (venv: Omit<Venv, "installed">) => Promise<void>;
  /** Default: this process's. */
  env?: NodeJS.ProcessEnv;
}

/** A Python virtual environment. */
export interface Venv {
  readonly dir: string;
  /** Path of its Python. */
  readonly python: string;
  /** Where its packages are. */
  readonly sitePackages: string;
  /** Whether it was this call that installed it. */
  readonly installed: boolean;
}

/** The content of the completion marker, the last file written. */
interface Marker {
  packages: readonly string[];
  /** "3.12" */
  python: string;
  sitePackages: string;
}

const MARKER = "installed.json";

/**
 * Returns the virtual environment of these packages in the per-user cache, installing it if needed. Concurrent
 * processes wait for the one that installs. An incomplete installation of a killed process is repeated.
 *
 * @throws SparkStreamError PYTHON_NOT_FOUND, INSTALL_FAILED; or the signal's reason
 */
export async function provisionVenv(options: VenvOptions): Promise<Venv> {
  const { name, packages, onProgress = () => {}, signal, env = process.env } = options;
  const key = JSON.stringify([packages, process.platform, process.arch]);
  const dir = join(cacheDir(env), `${name}-${createHash("sha256").update(key).digest("hex").slice(0, 12)}`);
  const ready = await readVenv(dir, env, signal);
  if (ready) return { ...ready, installed: false };

  try {
    await mkdir(cacheDir(env), { recursive: true, mode: 0o700 });
    const onWait = () => onProgress(`Waiting for another process that is installing ${name}`);
    return await withInstallLock(`${dir}.lock`, { signal, onWait }, async (held) => {
      const installedMeanwhile = await readVenv(dir, env, held);
      if (installedMeanwhile) return { ...installedMeanwhile, installed: false };
      return { ...(await install(dir, options, env, held)), installed: true };
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof SparkStreamError) throw error;
    if (isDiskFull((error as NodeJS.ErrnoException).code ?? "")) {
      throw await diskFull(`${name} could not be installed`, dir);
    }
    const message = `${name} could not be installed in ${dir}: ${(error as Error).message}. SPARK_ARROW_STREAM_CACHE can set another directory.`;
    throw new SparkStreamError("INSTALL_FAILED", message, { cause: error });
  }
}

async function install(dir: string, options: VenvOptions, env: NodeJS.ProcessEnv, signal: AbortSignal) {
  const { name, packages, onProgress } = options;
  const report = (what: string) => onProgress?.(`Installing ${name} (once): ${what}`);
  const { command, version } = await findPython(env, signal);
  report("making a Python environment");
  await rm(dir, { recursive: true, force: true });
  const made = await runCommand(command, ["-I", "-m", "venv", dir], { env, signal, timeout: 300_000 });
  if (made?.status !== 0) {
    const output = `${made?.stdout ?? ""}${made?.stderr ?? ""}`.trim();
    if (isDiskFull(output)) throw await diskFull(`${command} -m venv ${dir} failed`, dir);
    throw new SparkStreamError("INSTALL_FAILED", `${command} -m venv ${dir} failed:\n${output}`);
  }
  const python = join(dir, "bin", "python");
  report("asking the package registry");
  const hashes = env[HASHES_VARIABLE] === "off" ? undefined : options.hashes;
  const pipOptions = { env, signal, onProgress: report, dir, hashes };
  if (hashes && options.build) await pipInstall(python, options.build, pipOptions);
  await pipInstall(python, packages, pipOptions);
  const where = await runCommand(python, ["-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], {
    env,
    signal,
  });
  const venv = { dir, python, sitePackages: where?.stdout.trim() ?? "" };
  await options.finish?.(venv);
  signal.throwIfAborted();
  const marker: Marker = { packages, python: version, sitePackages: venv.sitePackages };
  await writeFile(join(dir, `${MARKER}.part`), `${JSON.stringify(marker, null, 2)}\n`);
  await rename(join(dir, `${MARKER}.part`), join(dir, MARKER));
  return venv;
}

/** Reads the environment at `dir`, if it is complete and still works: its base Python may have been replaced. */
async function readVenv(dir: string, env: NodeJS.ProcessEnv, signal: AbortSignal | undefined) {
  const text = await readFile(join(dir, MARKER), "utf8").catch(() => "");
  if (!text) return undefined;
  const { python: version, sitePackages } = JSON.parse(text) as Marker;
  const python = join(dir, "bin", "python");
  const answer = await runCommand(python, ["-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], {
    env,
    signal,
  });
  return answer?.stdout.trim() === version ? { dir, python, sitePackages } : undefined;
}
