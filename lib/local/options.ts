import { totalmem } from "node:os";
import { SparkStreamError } from "../errors.js";
import type { OnProgress } from "./progress.js";

export interface LocalSparkOptions {
  /** How many tasks run at once: `local[4]`, or `local[*]`, the default, for as many as there are cores. */
  master?: string;
  /** Spark's configuration of the server, e.g. `{ "spark.sql.shuffle.partitions": "8" }`. */
  conf?: Readonly<Record<string, string>>;
  /** The port to listen on. Default: 0, a free one that the server chooses. */
  port?: number;
  /**
   * The heap of the one Java process that is both driver and executor: "512m", "4g". Default: a quarter of the machine's
   * memory, but at least 1g and at most 8g.
   */
  driverMemory?: string;
  /**
   * Told what goes on while something is really installed, in one short line each time. Default: a line on standard
   * error, rewritten in place on a terminal.
   */
  onProgress?: OnProgress;
  /** Gives up the start, with an installation that is under way. It does not stop a server that is up. */
  signal?: AbortSignal;
}

const knownOptions = new Set(["master", "conf", "port", "driverMemory", "onProgress", "signal"]);

/** Settings that would have no effect, or undo what this package promises, and where to turn instead. */
const reserved: Readonly<Record<string, string>> = {
  "spark.master": "use the option master",
  "spark.driver.memory": "use the option driverMemory",
  "spark.driver.extraJavaOptions": "set JDK_JAVA_OPTIONS in the environment",
  "spark.driver.extraClassPath": "use spark.jars",
  "spark.driver.extraLibraryPath": "set LD_LIBRARY_PATH in the environment",
  "spark.driver.host": "a local Spark is bound to 127.0.0.1",
  "spark.driver.bindAddress": "a local Spark is bound to 127.0.0.1",
  "spark.connect.grpc.binding.address": "a local Spark is bound to 127.0.0.1",
  "spark.connect.grpc.binding.port": "use the option port",
  "spark.connect.authenticate.token": "each local Spark has a token of its own",
};

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkOptions(options: LocalSparkOptions): void {
  for (const name of Object.keys(options)) {
    if (!knownOptions.has(name)) throw invalid(`${JSON.stringify(name)} is no option: ${[...knownOptions].join(", ")}`);
  }
  const { master, port, driverMemory, conf = {} } = options;
  if (master !== undefined && !/^local(\[(\*|\d+)(,\d+)?\])?$/.test(master)) {
    throw invalid(`master must be "local", "local[4]" or "local[*]", not ${JSON.stringify(master)}`);
  }
  // Spark takes no privileged port.
  if (port !== undefined && port !== 0 && !(Number.isInteger(port) && port >= 1024 && port <= 65535)) {
    throw invalid(`port must be 0, or 1024 to 65535, not ${port}`);
  }
  if (driverMemory !== undefined && !/^[1-9]\d*[kmgt]$/i.test(driverMemory)) {
    throw invalid(`driverMemory must be a size like "512m" or "2g", not ${JSON.stringify(driverMemory)}`);
  }
  for (const [key, value] of Object.entries(conf)) {
    if (!key.startsWith("spark.")) throw invalid(`a name in conf begins with "spark.", unlike ${JSON.stringify(key)}`);
    if (typeof value !== "string") throw invalid(`conf[${JSON.stringify(key)}] must be a string`);
    if (Object.hasOwn(reserved, key)) throw invalid(`conf cannot hold ${key}: ${reserved[key]}`);
  }
}

/** A quarter of the memory that this process may use, from 1g to 8g; see {@link LocalSparkOptions.driverMemory}. */
export function defaultMemory(total = totalmem(), constrained = process.constrainedMemory()): string {
  // In a container without a limit the constraint is 0 or absurdly large.
  const bytes = constrained > 0 ? Math.min(total, constrained) : total;
  return `${Math.round(Math.min(8192, Math.max(1024, bytes / 4 / 2 ** 20)))}m`;
}

function invalid(reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `startLocalSpark(): ${reason}.`);
}
