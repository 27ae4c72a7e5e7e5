import { once } from "node:events";
import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from "node:net";
import { type ConnectionInjector, Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { SparkStreamError } from "../errors.js";
import { addSparkConnect } from "./grpc-service.js";
import type { ScriptedOperation } from "./operation.js";
import { ScriptedService } from "./scripted-service.js";
import { checkServerOptions, type ScriptedRequest, type ScriptedServerOptions } from "./server-options.js";
import type { ScriptedSession } from "./sessions.js";

/** A Spark Connect server that plays a script; see {@link startScriptedServer}. */
export interface ScriptedServer extends AsyncDisposable {
  /** `sc://127.0.0.1:port`, for `connect()`; the token is not part of it. */
  readonly url: string;
  readonly port: number;
  /** Every call received, in order, answered or not. */
  readonly requests: readonly ScriptedRequest[];
  /** Every operation received, in order. */
  readonly operations: readonly ScriptedOperation[];
  /** Every session received, in order, including clones; after a restart only those received since. */
  readonly sessions: readonly ScriptedSession[];
  /** The current settings of the sessions that are not clones; all of these share them. */
  readonly conf: ReadonlyMap<string, string>;
  /** The number of open connections. */
  readonly connections: number;
  /** Cuts all open connections. New ones are accepted. */
  cut(): void;
  /** Ends the server at once, with everything in progress. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts a Spark Connect server in this process that answers every query with the same scripted result, keeps it as Spark
 * does (replay, reattach, release), and makes the faults of its script: for tests of what one's own code does when Spark,
 * or the network, fails. No Java, no Spark.
 *
 * @throws SparkStreamError INVALID_ARGUMENT or UNSUPPORTED for batches that cannot be a result of Spark
 */
export async function startScriptedServer(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  checkServerOptions(options);
  const server = new RunningServer(options);
  await server.listen();
  return server;
}

interface Connection {
  readonly socket: Socket;
  readonly injector: ConnectionInjector;
}

/** ms for which streams on a connection may continue after its GOAWAY. */
const GOAWAY_GRACE = 600_000;

/** Accepts the sockets itself and passes them to gRPC one by one, since faults need the connection of a call. */
class RunningServer implements ScriptedServer {
  readonly requests: readonly ScriptedRequest[];
  readonly operations: readonly ScriptedOperation[];
  readonly sessions: readonly ScriptedSession[];
  readonly conf: ReadonlyMap<string, string>;
  readonly #secure: boolean;
  readonly #tcp: TcpServer;
  readonly #grpc: GrpcServer;
  /** By the remote address as gRPC names it. */
  readonly #connections = new Map<string, Connection>();
  #closed: Promise<void> | undefined;

  constructor(options: ScriptedServerOptions) {
    const service = new ScriptedService(options, {
      cutConnection: (peer) => this.#connections.get(peer)?.socket.destroy(),
      sendGoaway: (peer) => this.#connections.get(peer)?.injector.drain(GOAWAY_GRACE),
      cutAll: () => this.cut(),
    });
    this.requests = service.requests;
    this.operations = service.executions.all;
    this.sessions = service.sessions.all;
    this.conf = service.sessions.settings.values;
    this.#secure = options.tls !== undefined;
    this.#grpc = new GrpcServer({ "grpc.max_send_message_length": -1, "grpc.max_receive_message_length": -1 });
    addSparkConnect(this.#grpc, service);
    const credentials = credentialsOf(options.tls);
    this.#tcp = createServer({ noDelay: true }, (socket) => this.#take(socket, credentials));
  }

  async listen(): Promise<void> {
    this.#tcp.listen(0, "127.0.0.1");
    await once(this.#tcp, "listening");
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  get url(): string {
    return `sc://127.0.0.1:${this.port}${this.#secure ? "/;use_ssl=true" : ""}`;
  }

  get connections(): number {
    return this.#connections.size;
  }

  cut(): void {
    for (const { socket } of this.#connections.values()) socket.destroy();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const closed = once(this.#tcp, "close");
    this.#tcp.close();
    this.cut();
    this.#grpc.forceShutdown();
    await closed;
  }

  #take(socket: Socket, credentials: ServerCredentials): void {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const injector = this.#grpc.createConnectionInjector(credentials);
    this.#connections.set(peer, { socket, injector });
    socket.on("error", () => {}); // a client may disconnect at any time
    socket.once("close", () => {
      this.#connections.delete(peer);
      injector.destroy();
    });
    injector.injectConnection(socket);
  }
}

function credentialsOf(tls: ScriptedServerOptions["tls"]): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const [cert, key] = [Buffer.from(tls.cert), Buffer.from(tls.key)];
  const ca = tls.ca === undefined ? null : Buffer.from(tls.ca);
  try {
    return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ca !== null);
  } catch (cause) {
    const message = `Option "tls" of startScriptedServer() cannot be used: ${(cause as Error).message}.`;
    throw new SparkStreamError("INVALID_ARGUMENT", message, { cause });
  }
}
