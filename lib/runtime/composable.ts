import type { Duplex, Readable } from "node:stream";

/** The key of {@link Composable}'s method. */
export const behind = Symbol("behind");

/**
 * A stream that attaches itself to its source. Core's `compose()` would pass every chunk through an additional Duplex,
 * and in Node 20 through a `Readable.from()` around it: for chunks that are single rows, that takes several times as
 * long as making them.
 */
export interface Composable {
  /** Reads `source` to its end. If one of the two streams fails, the other ends with its error. */
  [behind](source: Readable): Duplex;
}

export function isComposable(stream: unknown): stream is Composable {
  return typeof stream === "object" && stream !== null && behind in stream;
}
