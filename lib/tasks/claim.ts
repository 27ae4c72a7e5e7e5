/**
 * The beginning of every connection between a task on Spark's executors and this process. Numbers are big-endian.
 *
 *   who    what       bytes
 *   Node   nonce      32
 *   task   hello      "SAS1"  nonce 32  partition u32  attempt u32  proof 32
 *   Node   proof      32                                               (see proof.ts)
 *
 * What follows is said in delivery/push/wire.ts and ingest/pull/wire.ts.
 */

export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;
const MAGIC = "SAS1";
/** The size, in bytes, of the claim that is proven: a hello up to its proof. */
export const CLAIM_BYTES = MAGIC.length + NONCE_BYTES + 8;
export const HELLO_BYTES = CLAIM_BYTES + PROOF_BYTES;
/** The partition id of a probe, which has no partition. */
export const PROBE = 0xffffffff;

export interface Claim {
  readonly nonce: Buffer;
  readonly partition: number;
  readonly attempt: number;
}

/** Reads the claim of a hello; undefined for bytes that are not a hello. */
export function readClaim(hello: Buffer): Claim | undefined {
  if (hello.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  const nonce = hello.subarray(MAGIC.length, MAGIC.length + NONCE_BYTES);
  const numbers = MAGIC.length + NONCE_BYTES;
  return { nonce, partition: hello.readUInt32BE(numbers), attempt: hello.readUInt32BE(numbers + 4) };
}
