/** An HTTP proxy before an S3 server, whose requests go wrong as a test wants them to. Signatures stay valid. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { pipeline } from "node:stream/promises";

/** What a request is for: "read" and "list" and "remove" are this process's, "write" the executors'. */
export type S3Call = "read" | "list" | "remove" | "write" | "other";

export type S3Fault = Refusal | Cut;

/** An error of the server; or a listing without anything, as if it were of an earlier time. */
type Refusal = { readonly status: number; readonly code: string } | { readonly do: "empty" };

interface Cut {
  /**
   * The connection is reset; or the answer ends, as if it were complete; or nothing comes any more, and nothing is closed.
   */
  readonly do: "reset" | "end" | "stall";
  /** Bytes of the answer that come before. */
  readonly after: number;
}

export interface S3FaultProxy extends AsyncDisposable {
  /** `http://host:port` */
  readonly endpoint: string;
  faultOf: (call: S3Call) => S3Fault | undefined;
  /** Resets all connections that are open. */
  reset(): void;
}

/** @param endpoint the server's */
export async function startS3FaultProxy(endpoint: string): Promise<S3FaultProxy> {
  const target = new URL(endpoint);
  const server = createServer((incoming, response) => {
    const fault = proxy.faultOf(callOf(incoming));
    // A connection that breaks is the other side's to notice.
    const answering =
      fault && !("after" in fault) ? refuse(incoming, response, fault) : forward(incoming, response, fault);
    answering.catch(() => response.destroy());
  });
  async function forward(incoming: IncomingMessage, response: ServerResponse, fault?: Cut) {
    const { method, url: path, headers } = incoming;
    const outgoing = request({ host: target.hostname, port: target.port, method, path, headers });
    const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
    response.on("close", () => outgoing.destroy());
    const [[answer]] = await Promise.all([answered, pipeline(incoming, outgoing)]);
    if (!fault) {
      response.writeHead(answer.statusCode!, answer.headers);
      return await pipeline(answer, response);
    }
    const { "content-length": _, ...others } = answer.headers;
    response.writeHead(answer.statusCode!, fault.do === "end" ? others : answer.headers);
    if (fault.after > 0) response.flushHeaders();
    let left = fault.after;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      response.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) break;
    }
    if (fault.do === "reset") response.socket?.resetAndDestroy();
    if (fault.do === "end") response.end();
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  });
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const proxy: S3FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faultOf: () => undefined,
    reset,
    async [Symbol.asyncDispose]() {
      reset();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}

function callOf({ method, url = "" }: IncomingMessage): S3Call {
  if (method === "GET") return url.includes("list-type=2") ? "list" : "read";
  if (method === "DELETE") return url.includes("uploadId=") ? "other" : "remove";
  return method === "PUT" || method === "POST" ? "write" : "other";
}

async function refuse(incoming: IncomingMessage, response: ServerResponse, fault: Refusal) {
  for await (const _ of incoming); // else the client may see a reset instead of the answer
  const xml = (text: string) => `<?xml version="1.0" encoding="UTF-8"?>\n${text}`;
  const headers = { "content-type": "application/xml" };
  if ("do" in fault)
    response.writeHead(200, headers).end(xml("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"));
  else
    response
      .writeHead(fault.status, headers)
      .end(xml(`<Error><Code>${fault.code}</Code><Message>${fault.code}</Message></Error>`));
}
