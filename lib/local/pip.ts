import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SparkStreamError } from "../errors.js";
import { diskFull, isDiskFull } from "./disk-full.js";
import { OwnedProcess } from "./owned-process.js";
import type { OnProgress } from "./progress.js";
import { runCommand } from "./run-command.js";

export interface PipInstallOptions {
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  onProgress: OnProgress;
  /** A directory for files of pip's own. */
  dir: string;
  /** SHA-256 of the files of each package. With them, no other file is installed. */
  hashes?: Hashes | undefined;
}

/** By requirement, such as "six==1.17.0". */
export type Hashes = Readonly<Record<string, readonly string[]>>;

/** How many of pip's last lines an error quotes. */
const QUOTED = 12;

/**
 * Installs exact versions into the virtual environment of the given Python. pip's own configuration files and PIP_
 * variables decide from where, and how.
 *
 * @throws SparkStreamError INSTALL_FAILED
 */
export async function pipInstall(
  python: string,
  packages: readonly string[],
  { env, signal, onProgress, dir, hashes }: PipInstallOptions,
): Promise<void> {
  const pip = ["-I", "-m", "pip"];
  const args = [...pip, "install", "--disable-pip-version-check", "--no-input"];
  // Compiled packages as wheels or not at all: building pyarrow from source would fail after many minutes. Spark itself
  // is published as a source archive.
  const compiled = packages.map((each) => each.replace(/[=<>].*/, "")).filter((name) => name !== "pyspark");
  if (compiled.length > 0) args.push("--only-binary", compiled.join(","));
  const version = await runCommand(python, [...pip, "--version"], { env, signal });
  args.push("--progress-bar", hasRawProgress(version?.stdout ?? "") ? "raw" : "off");
  if (hashes) args.push(...(await checkedBy(hashes, packages, dir)));
  else args.push(...packages);

  const child = new OwnedProcess([python, ...args], {
    // pip's own limits let an unreachable registry take minutes.
    env: { ...env, PIP_RETRIES: env.PIP_RETRIES ?? "2", PIP_DEFAULT_TIMEOUT: env.PIP_DEFAULT_TIMEOUT ?? "20" },
    output: "pipe",
    grace: 2,
  });
  const stop = () => void child.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const lines: string[] = [];
    const reading = [child.child.stdout, child.child.stderr].map(async (stream) => {
      let download = "";
      for await (const line of createInterface({ input: stream! })) {
        const percent = /^Progress (\d+) of (\d+)/.exec(line);
        if (percent && Number(percent[2]) > 0) {
          onProgress(`${download}, ${Math.floor((100 * Number(percent[1])) / Number(percent[2]))} %`);
          continue;
        }
        const stage = stageOf(line);
        if (stage) onProgress(stage);
        if (stage?.startsWith("downloading")) download = stage;
        if (line.trim()) lines.push(line);
        if (lines.length > QUOTED) lines.shift();
      }
    });
    const [status] = await Promise.all([child.exited, ...reading]);
    signal.throwIfAborted();
    if (status === 0) return;
    const said = lines.map((line) => `  ${line}`).join("\n");
    if (isDiskFull(said)) throw await diskFull(`pip could not install ${packages.join(" ")}`, dir);
    if (/DO NOT MATCH THE HASHES/.test(said)) throw otherFile(packages, said);
    const message =
      `pip could not install ${packages.join(" ")} (exit code ${status}). Check that this machine reaches the package ` +
      "registry (behind a mirror or proxy: PIP_INDEX_URL, PIP_PROXY, or pip's configuration file) and that the disk has " +
      `room. The last lines of pip:\n${said}`;
    throw new SparkStreamError("INSTALL_FAILED", message);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Writes a requirements file with hashes. With it pip does not fetch build packages, so they are installed already. */
async function checkedBy(hashes: Hashes, packages: readonly string[], dir: string): Promise<string[]> {
  const path = join(dir, "requirements.txt");
  const lines = packages.map((name) => [name, ...hashes[name]!.map((hash) => `--hash=sha256:${hash}`)].join(" \\\n  "));
  await writeFile(path, `${lines.join("\n")}\n`);
  return ["--require-hashes", "--no-build-isolation", "--requirement", path];
}

/** The variable that, if "off", allows pip to install files that a mirror has built itself. */
export const HASHES_VARIABLE = "SPARK_ARROW_STREAM_HASHES";

function otherFile(packages: readonly string[], said: string): SparkStreamError {
  const message =
    `The package registry's files of ${packages.join(" ")} are not those published on PyPI: their hashes ` +
    `differ, so they were not installed. If the registry is a mirror with its own builds, and you trust it, set ` +
    `${HASHES_VARIABLE}=off. The last lines of pip:\n${said}`;
  return new SparkStreamError("INSTALL_FAILED", message);
}

function stageOf(line: string): string | undefined {
  const download = /^\s*Downloading (\S+)(?: \((.+)\))?/.exec(line);
  // A URL or a file name, with or without the metadata that pip asks for first.
  if (download && !download[1]!.endsWith(".metadata")) {
    return `downloading ${download[1]!.split("/").at(-1)}${download[2] ? ` (${download[2]})` : ""}`;
  }
  const wheel = /^\s*Building wheel for (\S+)/.exec(line);
  if (wheel) return `unpacking ${wheel[1]}`;
  return line.startsWith("Installing collected packages") ? "writing files" : undefined;
}

/** `--progress-bar raw` came with pip 24.1. */
function hasRawProgress(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^pip /, "").split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 1);
}
