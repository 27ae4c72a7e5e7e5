/**
 * Serves one stream of an operation, with its scripted faults. In: the operation, and the start position. Out: its
 * responses, one by one; each is sent when HTTP/2 has accepted the previous one, so the client's back pressure works.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { ExecutePlanResponse } from "../connect/generated/spark-connect_pb.js";
import { alter, type FaultAction } from "./fault.js";
import type { Operation } from "./operation.js";
import { SparkError } from "./spark-error.js";

export type ResponseCall = Pick<
  ServerWritableStream<unknown, ExecutePlanResponse>,
  "write" | "end" | "emit" | "once" | "cancelled"
>;

/** The effects of a stream on the server around it. */
export interface StreamHost {
  serverSessionId(): string;
  changeSession(id: string): void;
  readonly maxStreamBytes: number;
  readonly maxStreamMs: number;
  cutConnection(): void;
  sendGoaway(): void;
  restart(): void;
  /** Returns the error as the server sends it, with its trailer. */
  statusOf(error: unknown): Error;
}

export async function sendResponses(
  call: ResponseCall,
  operation: Operation,
  position: number,
  faults: ReadonlyMap<number, readonly FaultAction[]>,
  host: StreamHost,
): Promise<void> {
  const { signal: thrownOut, detach } = operation.attach();
  const gone = new AbortController();
  call.once("cancelled", () => gone.abort());
  if (call.cancelled) gone.abort();
  const over = AbortSignal.any([thrownOut, gone.signal]);
  try {
    await serve(call, operation, position, faults, host, over);
    call.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    call.emit("error", host.statusOf(thrownOut.aborted ? thrownOut.reason : error));
  } finally {
    detach();
  }
}

async function serve(
  call: ResponseCall,
  operation: Operation,
  position: number,
  faults: ReadonlyMap<number, readonly FaultAction[]>,
  host: StreamHost,
  over: AbortSignal,
): Promise<void> {
  const until = Date.now() + host.maxStreamMs;
  let bytes = 0;
  let pending = [...(await Promise.race([operation.from(position), aborted(over)]))];
  for (let sent = 0; ; sent++) {
    for (const action of faults.get(sent) ?? []) {
      pending = alter(action, pending) ?? pending;
      if (action === "end") return;
      await injectFault(action, operation, host, over);
    }
    over.throwIfAborted();
    const next = pending.shift();
    if (!next || bytes >= host.maxStreamBytes || Date.now() >= until) return;
    const before = operation.bytesSent;
    await write(call, { ...next, serverSideSessionId: host.serverSessionId() }, over, until);
    operation.sent(next);
    bytes += operation.bytesSent - before;
  }
}

/** Injects the faults that do not change a response. */
async function injectFault(
  action: FaultAction,
  operation: Operation,
  host: StreamHost,
  over: AbortSignal,
): Promise<void> {
  if (typeof action === "object") {
    if ("delayMs" in action) await sleep(action.delayMs, undefined, { signal: over });
    else if ("sessionId" in action) host.changeSession(action.sessionId);
    else throw new SparkError(action.status);
    return;
  }
  if (action === "goaway") return host.sendGoaway();
  if (action === "forget") operation.end("lost");
  if (action === "forget" || action === "cut") host.cutConnection();
  if (action === "restart") host.restart();
  if (action === "stall" || action === "forget" || action === "cut" || action === "restart") await aborted(over);
}

/**
 * Writes a message. Settles when HTTP/2 has accepted it, for which the client's window must have room; or when the
 * stream's time is over: as with Spark, the client then receives the end after the message.
 */
function write(call: ResponseCall, message: ExecutePlanResponse, over: AbortSignal, until: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      over.removeEventListener("abort", stop);
      clearTimeout(timer);
      resolve();
    };
    const stop = () => {
      clearTimeout(timer);
      reject(over.reason);
    };
    const timer = setTimeout(settle, until - Date.now());
    over.addEventListener("abort", stop, { once: true });
    call.write(message, settle);
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
