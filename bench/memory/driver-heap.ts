import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../lib/index.js";
import { type LocalSpark, startLocalSpark } from "../../lib/local/index.js";

/** A local Spark whose driver is made to collect all its garbage now and then, and logs what is left. */
export interface LoggedSpark extends AsyncDisposable {
  readonly spark: LocalSpark;
  /** MB (2^20 bytes) of the driver's heap that were in use after a full collection: the most there ever was. */
  peakHeapMegabytes(): Promise<number>;
}

/** ms between two collections, which take about 100 ms each. */
const INTERVAL = 1000;
/** Computed on the driver. */
const COLLECT_GARBAGE = "SELECT java_method('java.lang.System', 'gc') FROM VALUES (1)";

/** A driver with a heap of 1 GB and all else as Spark has it by default. */
export async function startLoggedSpark(): Promise<LoggedSpark> {
  const directory = await mkdtemp(join(tmpdir(), "bench-gc-"));
  const before = process.env.JDK_JAVA_OPTIONS;
  // By the environment, since a local Spark takes no Java options.
  process.env.JDK_JAVA_OPTIONS = `${before ?? ""} -Xlog:gc:file=${join(directory, "%p.log")}`;
  const spark = await startLocalSpark({ driverMemory: "1g" }).finally(() => {
    if (before === undefined) delete process.env.JDK_JAVA_OPTIONS;
    else process.env.JDK_JAVA_OPTIONS = before;
  });
  const stop = new AbortController();
  const collected = collectNowAndThen(spark, stop.signal);
  return {
    spark,
    peakHeapMegabytes: async () => peakAfterCollection(await readFile(join(directory, `${spark.pid}.log`), "utf8")),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await collected.catch(() => {}); // a driver out of memory answers nobody
      await spark.close();
      await rm(directory, { recursive: true });
    },
  };
}

async function collectNowAndThen({ url, token }: LocalSpark, signal: AbortSignal): Promise<void> {
  await using session = await connect(url, { token });
  while (!signal.aborted) {
    await session.sql(COLLECT_GARBAGE).execute();
    await sleep(INTERVAL, undefined, { signal }).catch(() => {});
  }
}

/** A line is `[8.012s][info][gc] GC(12) Pause Full (System.gc()) 331M->100M(342M) 98.344ms`. */
function peakAfterCollection(log: string): number {
  return Math.max(0, ...[...log.matchAll(/Pause Full .* \d+M->(\d+)M\(\d+M\)/g)].map(([, after]) => Number(after)));
}
