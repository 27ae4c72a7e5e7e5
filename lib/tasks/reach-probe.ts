/** Runs a small task that shows whether tasks can connect and send, before a long query runs. */

import { mapInArrow } from "../connect/python/python-function.js";
import type { SparkSession } from "../connect/session/session.js";
import { SparkStreamError } from "../errors.js";
import type { RunOptions } from "../runtime/call-options.js";
import { explainProbe, type Purpose, unreachable } from "./explain-task.js";
import { type LinkSettings, probeFunction, TROUBLE } from "./task-source.js";

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
  settings: LinkSettings,
  { tags, signal }: RunOptions & { signal: AbortSignal },
  purpose: Purpose,
): Promise<void> {
  const addresses = reached.get(session) ?? new Set();
  reached.set(session, addresses);
  if (addresses.has(address)) return;
  const frame = mapInArrow(session.range(0, 1, 1, 1), probeFunction(settings), purpose);
  try {
    const row = await frame.first<{ trouble: Uint8Array }>({ ...(tags && { tags }), signal });
    if (!row) throw new SparkStreamError("QUERY_FAILED", "The probe returned no result.");
    const trouble = Buffer.from(row.trouble).toString();
    if (trouble !== "") throw unreachable(trouble.replace(`${TROUBLE} `, ""), purpose);
    addresses.add(address);
  } catch (error) {
    throw explainProbe(error, purpose);
  }
}
