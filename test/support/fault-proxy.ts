/**
 * A TCP proxy between a client and a real server, that breaks connections at a byte. Which connection gets which fault is
 * up to the caller, and so is any randomness.
 *
 * Memory: per direction at most `maxWaitingBytes` wait for their time; beyond that the sender is not read.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface ConnectionFault {
  /** Bytes that pass before `do` happens. Default: never. */
  after?: number;
  /** Which bytes are counted, and slowed: "down" from the server, "up" to it. Default: "down". */
  direction?: "down" | "up";
  /**
   * `reset`: both sides get a RST. `close`: both sides get a FIN, in order. `stall`: nothing passes any more, in either
   * direction, and nothing is closed. `halfClose`: the receiving side gets a FIN, the other direction goes on.
   */
  do?: "reset" | "close" | "stall" | "halfClose";
  bytesPerSecond?: number;
  /** One way, in both directions. */
  latencyMs?: number;
  /** A longer or faster link holds more: bandwidth times latency. Default: 256 KiB. */
  maxWaitingBytes?: number;
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Per connection, in the order they came: the bytes that have passed. */
  readonly connections: readonly { readonly down: number; readonly up: number; readonly open: boolean }[];
  /** Resets all connections that are open. */
  reset(): void;
  /** From now on nothing passes on the connections that are open, and nothing is closed. */
  swallow(): void;
  /** Connections that come from now on find nobody: the port is closed. */
  refuse(): Promise<void>;
  /** Undoes that. */
  accept(): Promise<void>;
  close(): Promise<void>;
}

export async function startFaultProxy(
  target: { host?: string; port: number },
  faultOf: (connection: number) => ConnectionFault | undefined = () => undefined,
  ownPort = 0,
): Promise<FaultProxy> {
  const connections: ProxiedConnection[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: "127.0.0.1", ...target, allowHalfOpen: true, noDelay: true });
    connections.push(new ProxiedConnection(client, upstream, faultOf(connections.length) ?? {}));
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(ownPort);
  const { port } = server.address() as AddressInfo;
  const reset = () => {
    for (const connection of connections) connection.reset();
  };
  const swallow = () => {
    for (const connection of connections) connection.stall();
  };
  const close = async () => {
    reset();
    await closed(server);
  };
  const [accept, refuse] = [() => listen(port), () => closed(server)];
  return { port, connections, reset, swallow, refuse, accept, close, [Symbol.asyncDispose]: close };
}

async function closed(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  while (server.listening) await once(server, "close");
}

class ProxiedConnection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #pumps: Pump[];

  constructor(client: Socket, upstream: Socket, fault: ConnectionFault) {
    this.#client = client;
    this.#upstream = upstream;
    const {
      direction = "down",
      latencyMs = 0,
      after,
      bytesPerSecond,
      maxWaitingBytes = 256 * 1024,
      do: action,
    } = fault;
    const plain = { latencyMs, maxWaitingBytes };
    const slow = { ...plain, bytesPerSecond, after, onLimit: () => this.#strike(action) };
    this.#pumps = [
      new Pump(upstream, client, direction === "down" ? slow : plain),
      new Pump(client, upstream, direction === "up" ? slow : plain),
    ];
  }

  get down(): number {
    return this.#pumps[0]!.passed;
  }

  get up(): number {
    return this.#pumps[1]!.passed;
  }

  get open(): boolean {
    return !this.#client.destroyed;
  }

  reset(): void {
    for (const socket of [this.#client, this.#upstream]) {
      // One whose end was sent can be reset no more: Node would never close it, and hang when the process ends.
      if (socket.writableEnded) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    }
  }

  stall(): void {
    for (const pump of this.#pumps) pump.stall();
  }

  #strike(action: ConnectionFault["do"]): "ended" | "stalled" {
    if (action === "stall") this.stall();
    else if (action === "reset") this.reset();
    else if (action === "close") for (const socket of [this.#client, this.#upstream]) socket.end();
    return action === "halfClose" ? "ended" : "stalled";
  }
}

interface PumpOptions {
  latencyMs: number;
  maxWaitingBytes: number;
  bytesPerSecond?: number | undefined;
  after?: number | undefined;
  onLimit?: () => "ended" | "stalled";
}

/** One direction: each piece is written when its time has come, in order. */
class Pump {
  passed = 0;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #options: PumpOptions;
  /** What waits for its time; undefined is the end. */
  readonly #queue: { due: number; chunk: Buffer | undefined }[] = [];
  #waiting = 0;
  #lastDue = 0;
  #timer: NodeJS.Timeout | undefined;
  #stalled = false;

  constructor(from: Socket, to: Socket, options: PumpOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
    from.on("data", (chunk: Buffer) => this.#take(chunk));
    from.on("end", () => this.#take(undefined));
    from.on("error", () => to.destroy());
    to.on("close", () => from.destroy());
    to.on("drain", () => this.#resume());
  }

  stall(): void {
    this.#stalled = true;
    this.#from.pause();
  }

  #take(chunk: Buffer | undefined): void {
    const { latencyMs, bytesPerSecond } = this.#options;
    const bytes = chunk?.length ?? 0;
    const begin = Math.max(Date.now() + latencyMs, this.#lastDue);
    this.#lastDue = bytesPerSecond === undefined ? begin : begin + (1000 * bytes) / bytesPerSecond;
    this.#queue.push({ due: this.#lastDue, chunk });
    this.#waiting += bytes;
    if (this.#waiting > this.#options.maxWaitingBytes) this.#from.pause();
    this.#flush();
  }

  #flush(): void {
    for (let next = this.#queue[0]; next && next.due <= Date.now() && !this.#stalled; next = this.#queue[0]) {
      this.#queue.shift();
      if (next.chunk) this.#pass(next.chunk);
      else this.#to.end();
    }
    const next = this.#queue[0];
    if (!next || this.#timer || this.#stalled) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, next.due - Date.now());
  }

  #pass(chunk: Buffer): void {
    const { after = Number.POSITIVE_INFINITY, onLimit } = this.#options;
    const piece = chunk.subarray(0, after - this.passed);
    this.#waiting -= chunk.length;
    this.passed += piece.length;
    if (!this.#to.destroyed && piece.length > 0) this.#to.write(piece);
    if (this.passed < after) this.#resume();
    else {
      this.stall();
      if (onLimit?.() === "ended") this.#to.end();
    }
  }

  #resume(): void {
    if (this.#stalled || this.#to.writableNeedDrain) return;
    if (this.#waiting <= this.#options.maxWaitingBytes) this.#from.resume();
  }
}
