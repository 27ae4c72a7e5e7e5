/**
 * Decompresses the buffers of one batch and lets the event loop turn in between. In: a codec that works on this thread.
 * Out: the result of `build`.
 *
 * A batch is built without a pause, because the content of its buffers decides how much is needed of the next ones. So
 * if a turn is due, the build is abandoned, and started again after the turn with the buffers that are already
 * decompressed. A single buffer is decompressed without a pause. Memory: the decompressed buffers, which the batch
 * needs anyway.
 */
import { turn, turnIsDue } from "../../runtime/event-loop.js";
import type { BodyCodec } from "./body-codec.js";

export async function withPauses<T>(codec: BodyCodec, build: (codec: BodyCodec) => T): Promise<T> {
  const restored = new Map<number, Uint8Array>();
  let paused = false;
  const pausing: BodyCodec = (compressed, length) => {
    const known = restored.get(compressed.byteOffset);
    if (known) return known;
    if (turnIsDue()) {
      paused = true;
      throw new Error("paused");
    }
    const made = codec(compressed, length);
    restored.set(compressed.byteOffset, made);
    return made;
  };
  for (;;) {
    try {
      return build(pausing);
    } catch (error) {
      if (!paused) throw error;
      paused = false;
      await turn();
    }
  }
}
