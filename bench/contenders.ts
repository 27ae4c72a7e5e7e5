/** Who can take part: this package, the limits of it, and what a user would pick instead. */
import { fileURLToPath } from "node:url";
import { findSparkHome } from "../lib/local/spark-home.js";
import { provisionVenv } from "../lib/local/venv.js";
import { testPython } from "../test/support/python.js";
import { built } from "./build.js";

export interface Contender {
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Why it cannot take part here. */
  readonly absent?: string;
}

/** A contender of this folder, compiled. */
export function nodeContender(name: string, source: string, ...args: string[]): Contender {
  return { name, command: [process.execPath, built(source), ...args] };
}

/** @param pythonPath where PySpark is, if it is not among the packages of that Python */
export function pythonContender(
  name: string,
  source: string,
  python: string,
  pythonPath: string,
  ...args: string[]
): Contender {
  const env = { PYTHONPATH: pythonPath, PYTHONWARNINGS: "ignore" };
  return { name, command: [python, fileURLToPath(new URL(source, import.meta.url)), ...args], env };
}

export const bareDrain = nodeContender("bare drain", "contenders/bare-drain.ts");
export const bareSocket = nodeContender("bare drain to a socket", "contenders/bare-socket.ts");
export const ours = nodeContender("sparkStream", "contenders/spark-stream.ts");
export const oursWithSettings = nodeContender("sparkStream, own settings", "contenders/spark-stream.ts", "settings");
export const ourRows = nodeContender("sparkStream, rows()", "contenders/spark-rows.ts");
export const ourBytes = nodeContender("arrowIpcBytes", "contenders/ipc-bytes.ts");
export const ourBytesToSocket = nodeContender("arrowIpcBytes to a socket", "contenders/ipc-bytes.ts", "socket");

/** The ways of PySpark's own Connect client; see contenders/pyspark-client.py. */
const pysparkWays = {
  raw: "PySpark's gRPC drain",
  batches: "PySpark batches",
  table: "PySpark toArrow",
  "c-stream": "SPARK-54337 in PySpark",
  rows: "PySpark rows",
} as const;

export async function pyspark(way: keyof typeof pysparkWays): Promise<Contender> {
  const [python, { pythonPath }] = await Promise.all([testPython(), findSparkHome({})]);
  return pythonContender(pysparkWays[way], "contenders/pyspark-client.py", python, pythonPath, way);
}

/** PySpark's interface over a client in Rust. */
export function rustClient(): Promise<Contender> {
  const packages = ["pyspark-client-rust==4.2.0", "pyarrow==26.0.1", "pandas==2.3.3"];
  return installed("pyspark-client-rust toArrow", "contenders/rust-client.py", "bench-rust-client", packages);
}

/** A driver in Go. */
export function adbcDriver(): Promise<Contender> {
  const packages = ["adbc-driver-spark==0.3.0", "adbc-driver-manager==1.13.0", "pyarrow==26.0.1"];
  return installed("ADBC driver", "contenders/adbc-driver.py", "bench-adbc-driver", packages);
}

/** A contender in a Python environment of its own, in the user's cache. */
async function installed(name: string, source: string, venv: string, packages: readonly string[]): Promise<Contender> {
  try {
    const { python } = await provisionVenv({ name: venv, packages, onProgress: console.error });
    return pythonContender(name, source, python, "");
  } catch (error) {
    const reason = (error as Error).message.split("\n").at(0)!;
    return { name, command: [""], absent: `not installed: ${reason}` };
  }
}
