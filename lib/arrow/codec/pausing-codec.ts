/**
 * Restores the buffers of one batch with turns of the event loop in between. In, a codec that works on this thread; out,
 * what `build` makes with it.
 *
 * A batch is built in one go, since what its buffers hold says how much is wanted of the next ones. So if a turn is due
 * it is given up, and built again afterwards with the buffers that are restored already. A single buffer is restored in one
 * go. Memory: the restored buffers, which the batch has anyway.
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
