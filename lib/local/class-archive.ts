import { access, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Java } from "./java.js";
import { type ServerOptions, SparkServer } from "./server.js";
import type { SparkHome } from "./spark-home.js";

/*
 * Java spends half of a server's start on loading and verifying classes. It can keep them in an archive, ready to be
 * mapped into memory (JEP 350). If the archive does not match, Java starts without it.
 */

/** The most time, in seconds, for Java to write the archive: it takes 6 to 9 on two cores. */
const GRACE = 120;

/** Returns the options with which Java uses the archive for this Spark and this Java; none if there is no archive. */
export async function archiveOptions(home: SparkHome, java: Java): Promise<string[]> {
  const path = archivePath(home, java);
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  return exists ? [`-XX:SharedArchiveFile=${path}`] : [];
}

/** Makes the archive by starting and stopping a server once (110 MB, 20 s). If that fails, there is no archive. */
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
