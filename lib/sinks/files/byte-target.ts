/**
 * Where a sink's bytes go: a file that appears when it is complete, or any Writable. An encoder knows neither.
 *
 *     open → write* → commit        each awaited before the next
 *     abort                         at any moment, also while one of those is under way; again and again
 */

export interface ByteTarget {
  /** @param onFailure called when the target fails while nobody waits for it. */
  open(onFailure: (error: Error) => void): Promise<void>;
  /** Settles when the target has room for more. The bytes are not changed afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the written bytes final. */
  commit(): Promise<void>;
  /** Leaves nothing that looks finished; without effect after a commit. Never rejects. */
  abort(error: Error | null): Promise<void>;
}
