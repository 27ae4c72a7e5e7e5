import type { LargePartition, StreamProgress } from "./source-report.js";

/** `on()`, `once()`, `off()` and their relatives, with the types of what their listeners get. */
export interface StreamListening<Stream, Chunk> {
  (event: "data", listener: (chunk: Chunk) => void): Stream;
  (event: "progress", listener: (progress: StreamProgress) => void): Stream;
  (event: "largePartition", listener: (partition: LargePartition) => void): Stream;
  (event: "error", listener: (error: Error) => void): Stream;
  (event: "end" | "close" | "pause" | "resume" | "readable", listener: () => void): Stream;
  // biome-ignore lint/suspicious/noExplicitAny: as core's own signature for any other event
  (event: string | symbol, listener: (...args: any[]) => void): Stream;
}
