/**
 * The names of the directories that streams have in a store. They have the time, by which the next stream finds what a
 * killed process left: `spark-arrow-stream-20261126T101112345Z-1a2b3c4d5e6f`. One that is to be kept begins otherwise.
 */
import { randomBytes } from "node:crypto";
import type { Store } from "./store.js";

/** ms after which a directory counts as left over. */
const EXPIRY = 24 * 60 * 60 * 1000;
const NAME = /^spark-arrow-stream-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-[0-9a-f]{12}$/;

/** @param isKept whether later streams leave it alone */
export function newDirectory(isKept: boolean, now = new Date()): string {
  const time = now.toISOString().replace(/[-:.]/g, "");
  return `spark-arrow-${isKept ? "result" : "stream"}-${time}-${randomBytes(6).toString("hex")}`;
}

export function isExpired(name: string, now = Date.now()): boolean {
  const [, year, month, day, hour, minute, second, ms] = NAME.exec(name) ?? [];
  if (year === undefined) return false;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  return now - time > EXPIRY;
}

/** Removes what streams left more than a day ago. It never fails: another process may be doing the same. */
export async function removeExpired(store: Store): Promise<void> {
  const names = await store.list().catch(() => []);
  for (const name of names) if (isExpired(name)) await store.remove(name).catch(() => {});
}
