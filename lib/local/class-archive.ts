import { access, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Java } from "./java.js";
import { type ServerOptions, SparkServer } from "./server.js";
import type { SparkHome } from "./spark-home.js";

/*
 * Half of a server's start is Java loading and checking classes. Java can keep them, ready to be mapped into memory, in
 * an archive (JEP 350). If the archive does not fit after all, Java goes on without it.
 */

/** Seconds that Java may take to write it: 6 to 9 on two cores. */
const GRACE = 120;

/** The options that make Java use the archive for this Spark and this Java; none if it was never made. */
export async function archiveOptions(home: SparkHome, java: Java): Promise<string[]> {
  const path = archivePath(home, java);
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  return exists ? [`-XX:SharedArchiveFile=${path}`] : [];
}

/** Makes the archive, by one start and stop of a server (110 MB, 20 s). If that fails, there is none. */
export async function makeArchive(options: Omit<ServerOptions, "jvmOptions" | "grace">): Promise<void> {
  const path = archivePath(options.home, options.java);
  const part = `${path}.${process.pid}.part`;
  try {
    const jvmOptions = [`-XX:ArchiveClassesAtExit=${part}`];
    const server = await SparkServer.start({ ...options, jvmOptions, grace: GRACE });
    const stop = () => void server.kill();
    options.signal?.addEventListener("abort", stop, { once: true });
    await server.close();
    options.signal?.removeEventListener("abort", stop);
    await rename(part, path);
  } catch {
    options.signal?.throwIfAborted();
  } finally {
    await rm(part, { force: true });
  }
}

function archivePath(home: SparkHome, java: Java): string {
  return join(dirname(home.dir), `spark-classes-${java.fingerprint}.jsa`);
}
