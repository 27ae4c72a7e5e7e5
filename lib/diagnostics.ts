/**
 * Publishes the events of streams to monitoring tools: on `node:diagnostics_channel` channels, and as log lines with
 * `NODE_DEBUG=spark-arrow-stream`. If nobody listens, an event costs two checks.
 *
 *     channel                               message
 *     spark-arrow-stream:stream:start       { stream }
 *     spark-arrow-stream:stream:progress    { stream, progress }
 *     spark-arrow-stream:stream:end         { stream, metrics }
 *     spark-arrow-stream:stream:error       { stream, metrics, error }   error: null if it was destroyed without one
 */
import { channel } from "node:diagnostics_channel";
import { debuglog } from "node:util";

const channels = {
  start: channel("spark-arrow-stream:stream:start"),
  progress: channel("spark-arrow-stream:stream:progress"),
  end: channel("spark-arrow-stream:stream:end"),
  error: channel("spark-arrow-stream:stream:error"),
} as const;

const debug = debuglog("spark-arrow-stream");

export type StreamEvent = keyof typeof channels;

/** Whether anybody listens to the event. */
export function isWatched(event: StreamEvent): boolean {
  return channels[event].hasSubscribers || debug.enabled;
}

/** @param details plain data, besides the stream; everything except errors is logged as JSON */
export function publish(event: StreamEvent, stream: object, details: Readonly<Record<string, unknown>> = {}): void {
  if (channels[event].hasSubscribers) channels[event].publish({ stream, ...details });
  if (debug.enabled) debug("stream %s %o", event, details);
}
