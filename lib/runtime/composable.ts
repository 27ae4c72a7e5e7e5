import type { Duplex, Readable } from "node:stream";

/** The key of {@link Composable}'s method. */
export const behind = Symbol("behind");

/**
 * A stream that takes its place behind another by itself. Core's `compose()` puts every chunk into a Duplex as well, and in
 * Node 20 into a `Readable.from()` around that: for chunks that are single rows this takes several times as long as to make
 * them.
 */
export interface Composable {
  /** Reads `source` to its end. Either of the two ends with the other's failure. */
  [behind](source: Readable): Duplex;
}

export function isComposable(stream: unknown): stream is Composable {
  return typeof stream === "object" && stream !== null && behind in stream;
}
