/** Runs a small task that shows whether tasks can connect and send, before a long query runs. */

import { IpcDecoder } from "../../chain/ipc-decoder.js";
import { mapInArrow } from "../../connect/python/python-function.js";
import type { SparkSession } from "../../connect/session/session.js";
import { SparkStreamError } from "../../errors.js";
import { onAbort } from "../../runtime/abort.js";
import type { RunOptions } from "../../runtime/call-options.js";
import { ResultCursor } from "../result/result.js";
import { explainProbe, python, unreachable } from "./explain-task.js";
import { pushProbe, type TaskSettings, TROUBLE } from "./task-source.js";

/** The addresses that each session's tasks have reached, without ports, which differ per stream. */
const reached = new WeakMap<SparkSession, Set<string>>();

/**
 * Probes once per session and address.
 *
 * @param address the address as the user wrote it, or the host
 * @throws SparkStreamError UNREACHABLE; UNSUPPORTED without Python or pyarrow, or if functions are not allowed
 */
export async function probeReach(
  session: SparkSession,
  address: string,
  settings: TaskSettings,
  { tags, signal }: RunOptions & { signal: AbortSignal },
): Promise<void> {
  const addresses = reached.get(session) ?? new Set();
  reached.set(session, addresses);
  if (addresses.has(address)) return;
  const frame = mapInArrow(session.range(0, 1, 1, 1), pushProbe(settings), python);
  const cursor = new ResultCursor(frame, { tags });
  const forget = onAbort(signal, () => void cursor.close());
  try {
    const row = await cursor.next();
    const [batch] = row ? await new IpcDecoder().decode(row) : [];
    if (!batch) throw new SparkStreamError("QUERY_FAILED", "The probe returned no result.");
    const trouble = Buffer.from(batch.get(0)?.trouble ?? "").toString();
    if (trouble !== "") throw unreachable(trouble.replace(`${TROUBLE} `, ""));
    addresses.add(address);
  } catch (error) {
    throw explainProbe(error);
  } finally {
    forget();
    await cursor.close();
  }
}
