/** Runs a small task that writes a file, which this process reads, before a long query runs. */
import { createHash, randomUUID } from "node:crypto";
import { mapInArrow } from "../../connect/python/python-function.js";
import type { SparkSession } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { cannotWrite, explainProbe, storing } from "./explain-store.js";
import { FileBytes } from "./file-bytes.js";
import type { StoredPlace } from "./stored-share.js";
import { PROBE_FILE, probeTask, type StorePlace } from "./task-source.js";

/** The stores that each session's tasks have written to, and this process has read. */
const proven = new WeakMap<SparkSession, Set<string>>();

/**
 * Probes once per session and store.
 *
 * @param place the stream's directory as executors see it
 * @throws SparkStreamError STORE_FAILED; UNSUPPORTED without Python or pyarrow, or if functions are not allowed
 */
export async function probeStore(
  session: SparkSession,
  { store, directory }: StoredPlace,
  place: StorePlace,
  { tags, signal }: RunOptions & { signal: AbortSignal },
): Promise<void> {
  const stores = proven.get(session) ?? new Set();
  proven.set(session, stores);
  if (stores.has(store.uri)) return;
  const content = randomUUID();
  const frame = mapInArrow(session.range(0, 1, 1, 1), probeTask({ ...place, content }), storing);
  const row = await frame.first<{ trouble: string }>({ ...(tags && { tags }), signal }).catch((error: unknown) => {
    throw explainProbe(error);
  });
  if (!row) throw new SparkStreamError("QUERY_FAILED", "The probe returned no result.");
  if (row.trouble !== "") throw cannotWrite(row.trouble);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const file = { name: PROBE_FILE, rows: 0, bytes: content.length, sha256 };
  const bytes = new FileBytes(store, directory, file, signal);
  try {
    await bytes.fill(Buffer.alloc(content.length));
    bytes.end();
  } catch (error) {
    if (signal.aborted || !(error instanceof SparkStreamError)) throw error;
    const message = `An executor has written to the store, but this process cannot read what it wrote: ${error.message}`;
    throw new SparkStreamError("STORE_FAILED", message, { cause: error });
  } finally {
    bytes.close();
  }
  stores.add(store.uri);
}
