/**
 * Accepts the connections of tasks. In: connections from anybody. Out: connections of tasks, which have proven that
 * they know the stream's secret. Others are dropped: at the first wrong byte, after 5 s, or after 4 KB of a TLS
 * handshake.
 *
 * Memory: a TLS session, or a hello, per stranger; beyond MAX_STRANGERS at a time the oldest is dropped.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import { SparkStreamError } from "../errors.js";
import type { StreamCertificate } from "./certificate.js";
import { type Claim, HELLO_BYTES, readClaim } from "./claim.js";
import { newNonce, type Secret } from "./proof.js";
import { SocketReader } from "./socket-reader.js";

const PROOF_MS = 5_000;
const MAX_STRANGER_BYTES = 4096;
const MAX_STRANGERS = 128;
const MAX_CONNECTIONS = 4096;
/** ms between two checks of strangers' connections. */
const CHECK_INTERVAL_MS = 100;
/** ms of silence after which the system probes a peer (TCP keepalive). */
const KEEPALIVE = 10_000;

export interface ListenerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly secret: Secret;
  /** If given, all connections use TLS 1.3. */
  readonly certificate: StreamCertificate | undefined;
  /** The name of the options, for messages: "push". */
  readonly option: string;
  /** Called when a task has proven that it knows the secret. */
  onTask(claim: Claim, socket: Socket, reader: SocketReader): void;
}

export class TaskListener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Strangers, the oldest first, with the time, in ms, when they connected. */
  readonly #strangers = new Map<Socket, number>();
  readonly #timer: NodeJS.Timeout;
  #closed: Promise<void> | undefined;

  /** @throws SparkStreamError PORT_IN_USE; INVALID_ARGUMENT for a host or port that cannot be listened on */
  static async open(options: ListenerOptions): Promise<TaskListener> {
    const listener = new TaskListener(options);
    const { host, port, option } = options;
    try {
      listener.#server.listen({ host, port });
      await once(listener.#server, "listening");
    } catch (error) {
      clearInterval(listener.#timer);
      throw cannotListen(error as NodeJS.ErrnoException, host, port, option);
    }
    listener.#server.on("error", () => {}); // a connection could not be accepted
    return listener;
  }

  private constructor(options: ListenerOptions) {
    this.#options = options;
    const { certificate } = options;
    const context = certificate && createSecureContext({ ...certificate, minVersion: "TLSv1.3" });
    const server = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE };
    this.#server = createServer(server, (socket) => {
      this.#welcome(socket);
      if (!context) return void this.#examine(socket, socket);
      const secure = new TLSSocket(socket, { isServer: true, secureContext: context });
      secure.on("error", () => socket.destroy());
      secure.on("secure", () => this.#examine(secure, socket));
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#timer = setInterval(() => this.#dropStrangers(), CHECK_INTERVAL_MS).unref();
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on it keeps no process alive. */
  unref(): void {
    this.#server.unref();
    for (const socket of this.#sockets) socket.unref();
  }

  /** Ends all connections. May be called again. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      clearInterval(this.#timer);
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
    return this.#closed;
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    this.#strangers.set(socket, performance.now());
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#strangers.delete(socket);
    });
    if (this.#strangers.size > MAX_STRANGERS) this.#strangers.keys().next().value?.destroy();
  }

  /** @param raw the TCP connection below */
  async #examine(socket: Socket, raw: Socket): Promise<void> {
    const { secret, onTask } = this.#options;
    const reader = new SocketReader(socket);
    const nonce = newNonce();
    socket.write(nonce);
    const hello = await reader.read(HELLO_BYTES).catch(() => undefined);
    const claim = hello && readClaim(hello);
    const answer = claim && secret.accepts(hello, nonce) ? secret.answer(claim, nonce) : undefined;
    if (!claim || !answer) return void raw.destroy();
    this.#strangers.delete(raw);
    socket.write(answer);
    onTask(claim, socket, reader);
  }

  #dropStrangers(): void {
    for (const [socket, since] of this.#strangers) {
      if (performance.now() - since > PROOF_MS || socket.bytesRead > MAX_STRANGER_BYTES) socket.destroy();
    }
  }
}

function cannotListen(
  { code, message }: NodeJS.ErrnoException,
  host: string,
  port: number,
  option: string,
): SparkStreamError {
  if (code === "EADDRINUSE") {
    return new SparkStreamError(
      "PORT_IN_USE",
      `Another process listens on ${host}:${port}. Leave out ${option}.port to get a free port.`,
    );
  }
  const text = `This process cannot listen on ${host}, port ${port}: ${message}. Set ${option}.host to an address of this machine.`;
  return new SparkStreamError("INVALID_ARGUMENT", text);
}
