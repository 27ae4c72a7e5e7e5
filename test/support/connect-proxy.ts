/**
 * A little HTTP proxy that knows CONNECT, and leads to one server whatever host is asked for, as if that host could be
 * reached through it alone.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

export interface ConnectProxy extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  /** What was asked for, in order. */
  readonly requests: readonly { readonly target: string; readonly headers: IncomingHttpHeaders }[];
  /** All that clients have sent through it. */
  sent(): Buffer;
}

export interface ConnectProxyOptions {
  /** Of the server behind it. */
  port: number;
  /** Instead of a connection: a status to answer with, a reset, or nothing at all. */
  fault?: number | "reset" | "silent";
}

export async function startConnectProxy({ port, fault }: ConnectProxyOptions): Promise<ConnectProxy> {
  const requests: { target: string; headers: IncomingHttpHeaders }[] = [];
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("connection", (socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  server.on("connect", ({ url = "", headers }, client: Socket, head: Buffer) => {
    requests.push({ target: url, headers });
    if (fault === "silent") return;
    if (fault === "reset") return void client.resetAndDestroy();
    if (fault !== undefined) return void client.end(`HTTP/1.1 ${fault} Nope\r\nContent-Length: 0\r\n\r\n`);
    const upstream = connect({ port, host: "127.0.0.1", noDelay: true }, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      if (head.length > 0) upstream.write(head);
      client.on("data", (chunk: Buffer) => chunks.push(chunk));
      client.pipe(upstream).pipe(client);
    });
    sockets.add(upstream.on("error", () => client.destroy()));
    client.on("close", () => upstream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sent: () => Buffer.concat(chunks),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const VARIABLES = ["grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy"] as const;

/** Runs something with these proxy variables in the environment, and no others. */
export async function withProxyVariables<T>(
  variables: Partial<Record<(typeof VARIABLES)[number], string>>,
  run: () => Promise<T>,
): Promise<T> {
  const before = VARIABLES.map((name) => [name, process.env[name]] as const);
  for (const name of VARIABLES) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return await run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
