/**
 * Bytes. 64 KiB are a quarter of the speed even next door. 4 MiB are 10 to 20 % slower from a server that is faster than the
 * client: what it sends ahead fills the socket, and the kernel then does the sender's work whenever the client reads.
 */
const SMALLEST = 1024 * 1024;
const LARGEST = 32 * 1024 * 1024;
/** Bytes a millisecond: 1 Gbit/s, which a single connection over a long way rarely has more of. */
const BANDWIDTH = 125_000;

/**
 * The HTTP/2 window of a stream, in bytes. A server may send so much that was not asked for, and no more: with less than what
 * is under way when the link is full, the bandwidth times the round trip, it would have to stop. Twice as much, since Node
 * lets it send more only when half of a window is used up.
 *
 * @param roundTripMs undefined where it is not known
 */
export function windowOf(roundTripMs = 0): number {
  return Math.round(Math.min(Math.max(2 * roundTripMs * BANDWIDTH, SMALLEST), LARGEST));
}
