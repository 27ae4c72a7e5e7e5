/**
 * How much a server may send ahead, and in pieces of what size.
 *
 * A cut loses all that the server has sent and that was not processed here. It must be able to send that again, and keeps
 * `retryBufferBytes` for it. What can be under way is the HTTP/2 window, the response that the server has begun (gRPC takes
 * a response whole as soon as less than 32 KiB wait), the response that has come in part, and what gRPC reads at once.
 */
import type { StreamLimits } from "./stream-limits.js";

/**
 * Bytes. With 64 KiB the throughput is a quarter, even on the same host. 4 MiB are 10 to 20 % slower from a server that is
 * faster than the client: what it sends ahead fills the socket, and the kernel then does the sender's work whenever the client
 * reads.
 */
const SMALLEST = 1024 * 1024;
const LARGEST = 32 * 1024 * 1024;
/** Bytes: HTTP/2 begins with these, whatever is asked for. */
const LEAST = 65_535;
/** Bytes a millisecond: 1 Gbit/s, which a single connection over a long way rarely has more of. */
const BANDWIDTH = 125_000;
/** Bytes that gRPC holds on both sides besides whole responses. */
const GRPC_BUFFERS = 256 * 1024;
/** A chunk of a batch has at most this part of the bytes that the server can send again. */
const CHUNK_SHARE = 8;
/** The sizes of a chunk that Spark accepts, in bytes; and more than a message has besides its chunk. */
const MIN_CHUNK = 1024;
const MAX_CHUNK = 120_795_955;
const CHUNK_ENVELOPE = 4096;

/** The bytes of a chunk of a batch to ask for. */
export function chunkBytes({ retryBufferBytes }: StreamLimits, maxMessageBytes: number): number {
  const wanted = Math.min(Math.floor(retryBufferBytes / CHUNK_SHARE), maxMessageBytes - CHUNK_ENVELOPE, MAX_CHUNK);
  return Math.max(wanted, MIN_CHUNK);
}

/** The largest window, in bytes, at which no cut loses what the server cannot send again. */
export function largestWindow(limits: StreamLimits, maxMessageBytes: number): number {
  const response = limits.chunking ? chunkBytes(limits, maxMessageBytes) : limits.maxBatchBytes;
  const window = limits.retryBufferBytes - 2 * response - GRPC_BUFFERS;
  return Math.min(Math.max(window, LEAST), LARGEST);
}

/**
 * The HTTP/2 window of a stream, in bytes. A server may send so much that was not asked for, and no more: with less than what
 * is under way when the link is full, the bandwidth times the round trip, it would have to stop. Twice as much, since Node
 * lets it send more only when half of a window is used up.
 *
 * @param largest see largestWindow()
 * @param roundTripMs undefined if it is not known
 */
export function windowOf(largest: number, roundTripMs = 0): number {
  return Math.round(Math.min(Math.max(2 * roundTripMs * BANDWIDTH, SMALLEST), largest));
}
