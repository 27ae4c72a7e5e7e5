/**
 * gRPC to one server. Messages that answer a streaming call are pulled one at a time.
 *
 * Memory: per streaming call at most one message that nobody has asked for, and what the HTTP/2 window lets the server
 * send ahead: 1 MiB, or more if the server is far away, 7.25 MiB at the most with Spark's own settings (flow-control.ts).
 *
 * Every streaming call has a connection to itself for as long as it lasts. On a shared one, a consumer that sleeps would
 * fill the connection's window and with that stop every other call, even the one that would cancel it.
 */

import { once } from "node:events";
import type {
  DescMessage,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageShape,
} from "@bufbuild/protobuf";
import {
  type CallOptions,
  Client,
  type ClientWritableStream,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { SparkStreamError, sessionClosed } from "../../errors.js";
import { AbortError, onAbort, untilAborted } from "../../runtime/abort.js";
import { credentialsOf } from "./channel-credentials.js";
import type { Endpoint } from "./endpoint.js";
import { largestWindow, windowOf } from "./flow-control.js";
import { deserializer, serializer } from "./messages.js";
import { PulledCall, type ResponseStream } from "./pulled-call.js";
import { defaultStreamLimits } from "./stream-limits.js";

/** Connections kept for streams to come. */
const MAX_IDLE = 4;

export interface UnaryOptions {
  /** ms after which the call fails with DEADLINE_EXCEEDED. */
  timeoutMs?: number;
  /** Aborted, the call fails with an AbortError. */
  signal?: AbortSignal | undefined;
}

export class Channel {
  /** Bytes that a server may send ahead at the most, on connections that are opened from now on. */
  largestWindow: number;
  readonly #endpoint: Endpoint;
  #unary: Client;
  readonly #idle: Client[] = [];
  readonly #all = new Set<Client>();
  /** The calls in progress: each of these functions breaks one off with SESSION_CLOSED. */
  readonly #breakOff = new Set<() => void>();
  /** ms: the shortest that a call took, which is hardly more than the way to the server and back. */
  #roundTripMs: number | undefined;
  #closed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.largestWindow = largestWindow(defaultStreamLimits, endpoint.maxMessageBytes);
    this.#unary = this.#open();
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    { timeoutMs, signal }: UnaryOptions = {},
  ): Promise<MessageShape<O>> {
    const start = performance.now();
    return await this.#answered<O>({ timeoutMs, signal }, (client, metadata, options, answer) => {
      const measured: Answer<O> = (error, response) => {
        if (!error)
          this.#roundTripMs = Math.min(performance.now() - start, this.#roundTripMs ?? Number.POSITIVE_INFINITY);
        answer(error, response);
      };
      const { input, output } = method;
      return client.makeUnaryRequest(
        path(method),
        serializer(input),
        deserializer(output),
        request,
        metadata,
        options,
        measured,
      );
    });
  }

  /**
   * Sends messages, as fast as the server takes them, and resolves to its answer. Memory: a few messages.
   *
   * @param requests are not asked for more once the call has ended
   */
  async clientStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodClientStreaming<I, O>,
    requests: Iterable<MessageShape<I>>,
    options: UnaryOptions = {},
  ): Promise<MessageShape<O>> {
    return await this.#answered<O>(options, (client, metadata, callOptions, answer) => {
      const { input, output } = method;
      const ended = new AbortController();
      const answered: Answer<O> = (error, response) => {
        ended.abort();
        answer(error, response);
      };
      const call = client.makeClientStreamRequest(
        path(method),
        serializer(input),
        deserializer(output),
        metadata,
        callOptions,
        answered,
      );
      sendAll(call, requests, ended.signal).catch((error) => {
        answered(error);
        call.cancel();
      });
      return call;
    });
  }

  /** A call that has one answer. */
  async #answered<O extends DescMessage>(
    { timeoutMs, signal }: UnaryOptions,
    start: (client: Client, metadata: Metadata, options: CallOptions, answer: Answer<O>) => { cancel(): void },
  ): Promise<MessageShape<O>> {
    const metadata = await untilAborted(signal, inTime(this.#metadata(), timeoutMs));
    const client = this.#unary;
    const options: CallOptions = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    return new Promise((resolve, reject) => {
      const call = start(client, metadata, options, (error, response) => {
        this.#breakOff.delete(breakOff);
        forget();
        if (error?.code === status.DEADLINE_EXCEEDED) this.#replace(client);
        if (error) return reject(error);
        resolve(response!);
      });
      const breakOff = () => {
        reject(sessionClosed());
        call.cancel();
      };
      this.#breakOff.add(breakOff);
      const abort = () => {
        reject(new AbortError(signal!));
        call.cancel();
      };
      const forget = signal ? onAbort(signal, abort) : () => {};
    });
  }

  /** The connection may be dead without knowing: calls to come have another. Those under way keep it. */
  #replace(client: Client): void {
    if (this.#closed || this.#unary !== client) return;
    this.#unary = this.#open();
    this.#all.delete(client);
    client.close();
  }

  /** @param read makes a message of its bytes */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageShape<I>,
    read: (bytes: Buffer) => MessageShape<O>,
  ): ResponseStream<MessageShape<O>> {
    let client: Client | undefined;
    const call = new PulledCall(
      this.#metadata(),
      () => {
        client = this.#idle.pop() ?? this.#open();
        return client.getChannel().createCall(path(method), Number.POSITIVE_INFINITY, null, null, null);
      },
      serializer(method.input)(request),
      read,
      (reusable) => {
        this.#breakOff.delete(breakOff);
        if (!client || this.#closed) return;
        if (reusable && this.#idle.length < MAX_IDLE) this.#idle.push(client);
        else {
          this.#all.delete(client);
          client.close();
        }
      },
    );
    const breakOff = () => call.cancel(sessionClosed());
    this.#breakOff.add(breakOff);
    return call;
  }

  /** Closes the connections. Calls that are under way fail with SESSION_CLOSED, as do those that come later. */
  close(): void {
    this.#closed = true;
    for (const breakOff of this.#breakOff) breakOff();
    for (const client of this.#all) client.close();
    this.#all.clear();
  }

  #open(): Client {
    const { target, address, maxMessageBytes, keepalive, proxy } = this.#endpoint;
    const client = new Client(proxy ? `dns:///${proxy.address}` : target, credentialsOf(this.#endpoint), {
      // By default grpc-js uses the proxy of http_proxy, https_proxy or grpc_proxy, for loopback addresses too: see proxy.ts.
      "grpc.enable_http_proxy": 0,
      ...(proxy && {
        "grpc.http_connect_target": target,
        "grpc.default_authority": address,
        ...(proxy.credentials && { "grpc.http_connect_creds": proxy.credentials }),
      }),
      "grpc-node.flow_control_window": windowOf(this.largestWindow, this.#roundTripMs),
      "grpc.max_receive_message_length": maxMessageBytes, // by default 4 MiB
      "grpc.max_send_message_length": -1, // unlimited, as by default: the server has a limit of its own
      "grpc.use_local_subchannel_pool": 1,
      "grpc.service_config_disable_resolution": 1, // no TXT records are asked for
      "grpc.enable_retries": 0, // by default grpc-js retries by itself; retry.ts does here
      "grpc.primary_user_agent": this.#endpoint.userAgent,
      // By default 1 s and 2 min. As soon as the first retry: an earlier call would fail without being sent.
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 5_000,
      ...(keepalive && {
        "grpc.keepalive_time_ms": keepalive.timeMs,
        "grpc.keepalive_timeout_ms": keepalive.timeoutMs,
        "grpc.keepalive_permit_without_calls": keepalive.withoutCalls ? 1 : 0,
      }),
    });
    this.#all.add(client);
    return client;
  }

  async #metadata(): Promise<Metadata> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(this.#endpoint.headers)) metadata.set(name, value);
    const token = await this.#endpoint.token();
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    if (this.#closed) throw sessionClosed();
    return metadata;
  }
}

type Answer<O extends DescMessage> = (error: ServiceError | null, response?: MessageShape<O>) => void;

/** Sends the messages of a call, which waits for the server where it is full. */
async function sendAll<T>(call: ClientWritableStream<T>, requests: Iterable<T>, ended: AbortSignal): Promise<void> {
  for (const request of requests) {
    if (ended.aborted) return;
    if (call.write(request)) continue;
    await once(call, "drain", { signal: ended }).catch((error) => {
      if (!ended.aborted) throw error;
    });
  }
  call.end();
}

/** What a call begins with, within the time that it has: a token may never come. */
async function inTime(metadata: Promise<Metadata>, timeoutMs: number | undefined): Promise<Metadata> {
  if (timeoutMs === undefined) return await metadata;
  const message = `The token function has returned no token for ${Math.round(timeoutMs / 100) / 10} s.`;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // An aborted call does not wait for it any more, and neither does a process that has nothing else to do.
    timer = setTimeout(() => reject(new SparkStreamError("UNAVAILABLE", message)), timeoutMs).unref();
  });
  try {
    return await Promise.race([metadata, late]);
  } finally {
    clearTimeout(timer);
  }
}

function path(method: { parent: { typeName: string }; name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}
