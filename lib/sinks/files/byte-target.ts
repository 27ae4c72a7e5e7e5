/**
 * Where a sink's data goes: a file that appears when it is complete, a folder, any Writable. An encoder knows none of them.
 *
 *     open → write* → commit        each awaited before the next
 *     abort                         at any moment, also while one of those is under way; again and again
 */

/** Something that appears when it is committed. */
export interface Target {
  /** @param onFailure called when the target fails while nobody waits for it. */
  open(onFailure: (error: Error) => void): Promise<void>;
  /** Makes what was written final. */
  commit(): Promise<void>;
  /** Leaves nothing that looks finished; without effect after a commit. Never rejects. */
  abort(error: Error | null): Promise<void>;
}

export interface ByteTarget extends Target {
  /** Settles when the target has room for more. The bytes are not changed afterwards, unless it keeps none. */
  write(bytes: Uint8Array): Promise<void>;
  /** Whether the bytes are not needed any more when `write` has settled. */
  readonly keepsNone?: boolean;
}
