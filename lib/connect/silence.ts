/**
 * A stream on which nothing comes any more although it should: a connection that is dead and doesn't know, or a server
 * that hangs. A server ends every stream after a time (stream-limits.ts), so one that is silent for longer is no use.
 */
import { status } from "@grpc/grpc-js";
import type { ResponseStream } from "./channel.js";
import { type StreamLimits, silentAfter } from "./stream-limits.js";

/** ms after which an answer is late enough to find out when it will be too late. */
const LATE = 1_000;

/** The next message. One that never comes is given up as a deadline that has passed, and the stream with it. */
export async function unlessSilent<T>(
  stream: ResponseStream<T>,
  limits: () => Promise<StreamLimits>,
): Promise<T | undefined> {
  const since = performance.now();
  let over = false;
  let timer = setTimeout(async () => {
    const given = silentAfter(await limits());
    if (over) return;
    timer = setTimeout(() => stream.cancel(silence(given)), since + given - performance.now()).unref();
  }, LATE).unref();
  try {
    return await stream.next();
  } finally {
    over = true;
    clearTimeout(timer);
  }
}

function silence(ms: number): Error {
  const message = `nothing has come for ${Math.round(ms / 1000)} s`;
  return Object.assign(new Error(message), { code: status.DEADLINE_EXCEEDED });
}
