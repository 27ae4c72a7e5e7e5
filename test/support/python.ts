import { execFile } from "node:child_process";
import { findSparkHome } from "../../lib/local/spark-home.js";
import { provisionVenv } from "../../lib/local/venv.js";
import { notInCheck } from "./check.js";
import { giveTimeToInstall } from "./running-test.js";

// The versions that PySpark 4.3 and the pyarrow of the provisioned Spark go with. PySpark warns of pandas 3.
const PACKAGES = [
  "pyarrow==26.0.1",
  "pandas==2.3.3",
  "duckdb==2.0.0",
  "protobuf==7.36.2",
  "grpcio==1.85.1",
  "grpcio-status==1.85.1",
  "googleapis-common-protos==1.76.0",
  "zstandard==0.25.0",
  "polars==2.1.0",
  "datafusion==55.0.0",
];

let python: Promise<string> | undefined;

/** Path of a Python with pyarrow, pandas, duckdb, polars, datafusion and what PySpark's Connect client needs; installed on first use. */
export function testPython(): Promise<string> {
  notInCheck("it needs Python");
  if (!python) giveTimeToInstall();
  python ??= provisionVenv({ name: "test-python", packages: PACKAGES }).then((venv) => venv.python);
  return python;
}

// What others print, such as DuckDB's progress bar after two seconds, goes to standard error.
const BEGIN = 'import os, sys\nsys.stdout = os.fdopen(os.dup(1), "w")\nos.dup2(2, 1)\n';
// Ends at once: pyarrow's threads now and then abort a process that tears itself down on a busy machine.
const END = "\nsys.stdout.flush()\nos._exit(0)\n";

export interface RunPythonOptions {
  /** In addition to this process's environment. */
  env?: Record<string, string>;
  /** ms; default 120,000 */
  timeout?: number;
}

/**
 * Runs a Python script, given as text; `args` are its sys.argv[1:]. It can import pyspark, from the same Spark that the
 * local server runs on. What it prints on standard output must be one JSON value, which is returned.
 */
export async function runPython(
  script: string,
  args: readonly string[] = [],
  options: RunPythonOptions = {},
): Promise<unknown> {
  const { env = {}, timeout = 120_000 } = options;
  const [command, home] = await Promise.all([testPython(), findSparkHome({})]);
  // SPARK_REMOTE would make PySpark start what the script did not ask for.
  const { SPARK_REMOTE: _, ...inherited } = process.env;
  const childEnv = { ...inherited, PYTHONPATH: home.pythonPath, ...env };
  return await new Promise((resolve, reject) => {
    const execOptions = { env: childEnv, timeout, maxBuffer: 512 * 2 ** 20 };
    execFile(command, ["-P", "-c", BEGIN + script + END, ...args], execOptions, (error, stdout, stderr) => {
      if (error) return reject(new Error(`The Python script failed (${error.code ?? error.signal}):\n${stderr}`));
      try {
        resolve(JSON.parse(stdout));
      } catch (cause) {
        reject(new Error(`The Python script printed no JSON:\n${stdout}\n${stderr}`, { cause }));
      }
    });
  });
}
