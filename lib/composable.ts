import type { Duplex, Readable } from "node:stream";

/** The key of {@link Composable}'s method. */
export const behind = Symbol("behind");

/**
 * A stream that takes its place behind another by itself. Core's `compose()` puts a Duplex around it and every chunk
 * into that Duplex as well, which for chunks that are single rows takes longer than to make them.
 */
export interface Composable {
  /** Reads `source` to its end. Either of the two ends with the other's failure. */
  [behind](source: Readable): Duplex;
}

export function isComposable(stream: unknown): stream is Composable {
  return typeof stream === "object" && stream !== null && behind in stream;
}
