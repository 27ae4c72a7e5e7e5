/**
 * A server-streaming call whose messages are pulled one by one. In, a request; out, its messages. Memory: one message.
 *
 * It uses the Call of grpc-js, below its public streams: those read sixteen messages ahead, and cost as much as decoding a
 * small batch. Read in grpc-js 1.14.7, `createCall()` of a Client's channel; test/connect/pulled-call.test.ts fails if a
 * version has another Call, and package.json allows no other minor version.
 */
import { type ChannelInterface, Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";

/** The answers of a streaming call. */
export interface ResponseStream<T> {
  /** The next message; undefined if the server ended the stream with OK. Rejects with a grpc-js ServiceError. */
  next(): Promise<T | undefined>;
  /**
   * Drops the call here. Says nothing to the server about the execution behind it. With a reason, `next()` fails with it,
   * and the connection, which may be dead, is not used again.
   */
  cancel(reason?: Error): void;
}

/** A call of grpc-js, not started yet. */
export type Call = ReturnType<ChannelInterface["createCall"]>;

export class PulledCall<T> implements ResponseStream<T> {
  readonly #deserialize: (bytes: Buffer) => T;
  readonly #onEnd: (reusable: boolean) => void;
  #call: Call | undefined;
  #waiting: { resolve(message: T | undefined): void; reject(error: unknown): void } | undefined;
  #end: { error?: unknown } | undefined;

  constructor(
    metadata: Promise<Metadata>,
    createCall: () => Call,
    request: Buffer,
    deserialize: (bytes: Buffer) => T,
    onEnd: (reusable: boolean) => void,
  ) {
    this.#deserialize = deserialize;
    this.#onEnd = onEnd;
    metadata
      .then((ready) => {
        if (!this.#end) this.#start(createCall(), ready, request);
      })
      .catch((error) => this.#ended({ error }));
  }

  next(): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#end) this.#settleEnd(this.#end);
      else this.#call?.startRead();
    });
  }

  cancel(reason?: Error): void {
    this.#ended(reason ? { error: reason } : {}, reason === undefined);
    this.#call?.cancelWithStatus(status.CANCELLED, "Cancelled on client");
  }

  #start(call: Call, metadata: Metadata, request: Buffer): void {
    this.#call = call;
    call.start(metadata, {
      onReceiveMetadata: () => {},
      onReceiveMessage: (bytes: Buffer) => this.#received(bytes),
      onReceiveStatus: (end) => this.#ended(end.code === status.OK ? {} : { error: failedCall(end) }),
    });
    call.sendMessageWithContext({}, request);
    call.halfClose();
    if (this.#waiting) call.startRead();
  }

  #received(bytes: Buffer): void {
    const waiting = this.#waiting;
    if (!waiting) return; // it was cancelled
    try {
      const message = this.#deserialize(bytes);
      this.#waiting = undefined;
      waiting.resolve(message);
    } catch (cause) {
      const details = `A response cannot be read: ${(cause as Error).message}`;
      this.#ended({ error: failedCall({ code: status.INTERNAL, details, metadata: new Metadata() }) });
      this.#call?.cancelWithStatus(status.CANCELLED, details);
    }
  }

  #ended(end: { error?: unknown }, reusable = true): void {
    if (this.#end) return;
    this.#end = end;
    this.#onEnd(reusable);
    if (this.#waiting) this.#settleEnd(end);
  }

  #settleEnd(end: { error?: unknown }): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if ("error" in end) waiting?.reject(end.error);
    else waiting?.resolve(undefined);
  }
}

/** The error that a Client of grpc-js reports for this status. */
function failedCall({ code, details, metadata }: StatusObject): ServiceError {
  return Object.assign(new Error(`${code} ${status[code]}: ${details}`), { code, details, metadata });
}
