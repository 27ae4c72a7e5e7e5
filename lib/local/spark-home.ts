import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { SparkStreamError } from "../errors.js";
import { buildPackages, hashes, sparkPackages } from "./pinned-packages.js";
import { provisionVenv, type VenvOptions } from "./venv.js";

export interface SparkHome {
  /** The directory with `jars` in it. */
  readonly dir: string;
  /** "4.3.0" */
  readonly version: string;
  /** The Python for Spark's Python functions; undefined for the user's own Spark, whose configuration decides. */
  readonly python: string | undefined;
  /** The PYTHONPATH that `import pyspark` needs, colon-separated. */
  readonly pythonPath: string;
  /** Whether it was installed just now. */
  readonly installed: boolean;
}

/** The Spark that is installed if there is none. */
export const SPARK_VERSION = sparkPackages[0].replace("pyspark==", "");

/**
 * Finds the Spark of SPARK_HOME; if that is not set, the one in the per-user cache, installing it if needed (about 800
 * MB on disk).
 *
 * @throws SparkStreamError LOCAL_SPARK_FAILED and UNSUPPORTED for a SPARK_HOME that cannot be used; PYTHON_NOT_FOUND,
 *   INSTALL_FAILED
 */
export async function findSparkHome(options: Pick<VenvOptions, "onProgress" | "signal" | "env">): Promise<SparkHome> {
  const { env = process.env } = options;
  if (env.SPARK_HOME) return await ownSpark(env.SPARK_HOME);
  const venv = await provisionVenv({
    ...options,
    name: `spark-${SPARK_VERSION}`,
    packages: sparkPackages,
    build: buildPackages,
    hashes,
  });
  return {
    dir: join(venv.sitePackages, "pyspark"),
    version: SPARK_VERSION,
    python: venv.python,
    pythonPath: venv.sitePackages,
    installed: venv.installed,
  };
}

async function ownSpark(dir: string): Promise<SparkHome> {
  const jars = await readdir(join(dir, "jars")).catch(() => []);
  const jar = jars.map((name) => /^spark-connect_[\d.]+-(\d[\w.-]*)\.jar$/.exec(name)).find((match) => match !== null);
  const remedy = `Set SPARK_HOME to a Spark 4, or unset it to install Spark ${SPARK_VERSION}.`;
  if (!jar) {
    const message = `SPARK_HOME is ${dir}, but its jars directory has no spark-connect jar. ${remedy}`;
    throw new SparkStreamError("LOCAL_SPARK_FAILED", message);
  }
  const version = jar[1]!;
  // Servers before 4.0 do not support a token, so any user of the machine could run code as this user.
  if (Number.parseInt(version, 10) < 4) {
    const message = `SPARK_HOME is ${dir}, which is Spark ${version}; its Connect server cannot require a token. ${remedy}`;
    throw new SparkStreamError("UNSUPPORTED", message);
  }
  const lib = join(dir, "python", "lib");
  const py4j = (await readdir(lib).catch(() => [])).filter((name) => name.startsWith("py4j-"));
  const pythonPath = [join(dir, "python"), ...py4j.map((name) => join(lib, name))].join(":");
  return { dir, version, python: undefined, pythonPath, installed: false };
}
