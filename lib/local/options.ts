import { totalmem } from "node:os";
import { SparkStreamError } from "../errors.js";
import {
  abortSignal,
  callback,
  checkOptions,
  isBag,
  isText,
  localMaster,
  type OptionTable,
} from "../runtime/check-options.js";
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
   * Called with one short line at a time while something is being installed. Default: a line on standard
   * error, rewritten in place on a terminal.
   */
  onProgress?: OnProgress;
  /** Aborts the start, including an installation in progress. It does not stop a running server. */
  signal?: AbortSignal;
}

/** Settings that would have no effect, or break a guarantee of this package, and what to use instead. */
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

const isPort = (port: unknown) => Number.isInteger(port) && Number(port) >= 1024 && Number(port) <= 65535;

const localOptions: OptionTable<LocalSparkOptions> = {
  master: localMaster,
  conf: [isBag, "an object of strings"],
  // Spark does not accept privileged ports.
  port: [(port) => port === 0 || isPort(port), "0, or a port from 1024 to 65535"],
  driverMemory: [(size) => isText(size) && /^[1-9]\d*[kmgt]$/i.test(size), 'a size such as "512m" or "2g"'],
  onProgress: callback,
  signal: abortSignal,
};

/** @throws SparkStreamError INVALID_ARGUMENT */
export function checkLocalOptions(options: LocalSparkOptions): void {
  checkOptions("startLocalSpark()", options, localOptions);
  for (const [key, value] of Object.entries(options.conf ?? {})) {
    const name = JSON.stringify(key);
    if (!key.startsWith("spark.")) throw invalid(`Names in the option "conf" must begin with "spark.", unlike ${name}`);
    if (typeof value !== "string") throw invalid(`The value of ${name} in the option "conf" must be a string`);
    if (Object.hasOwn(reserved, key)) throw invalid(`The option "conf" cannot hold ${name}: ${reserved[key]}`);
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
