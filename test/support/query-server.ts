// An HTTP server that answers with the result of a query, as the examples do it.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import {
  arrowIpcBytes,
  csvWriter,
  type DataFrame,
  ndjsonWriter,
  SparkStreamError,
  sparkStream,
} from "../../lib/index.js";

export const formats = ["ndjson", "csv", "csv.gz", "arrow"] as const;
export type Format = (typeof formats)[number];

const send: { readonly [format in Format]: (frame: DataFrame, response: ServerResponse) => Promise<void> } = {
  ndjson: (frame, response) => pipeline(sparkStream(frame), ndjsonWriter(response)),
  csv: (frame, response) => pipeline(sparkStream(frame), csvWriter(response)),
  "csv.gz": (frame, response) => {
    response.setHeader("content-encoding", "gzip");
    return pipeline(sparkStream(frame), csvWriter(response, { compression: "gzip" }));
  },
  arrow: async (frame, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const bytes = arrowIpcBytes(frame, { signal: gone.signal });
    await once(bytes, "readable");
    await pipeline(bytes, response);
  },
};

/** A server for `/format?sql=…`. `errors` are those that its handler caught, in order. */
export async function queryServer(query: (sql: string) => DataFrame) {
  const errors: NodeJS.ErrnoException[] = [];
  async function answer({ url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(url!, "http://localhost");
    try {
      await send[pathname.slice(1) as Format](query(searchParams.get("sql") ?? ""), response);
    } catch (error) {
      errors.push(error as NodeJS.ErrnoException);
      if (response.headersSent || response.destroyed) return;
      response.removeHeader("content-encoding");
      const bad = error instanceof SparkStreamError && error.code === "QUERY_FAILED";
      response.writeHead(bad ? 400 : 500).end((error as Error).message);
    }
  }
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    errors,
    url: (format: Format, sql = "") => `${origin}/${format}?sql=${encodeURIComponent(sql)}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** What a client sees of a URL: the status, the bytes of the body, and whether the response came to its end. */
export async function get(url: string): Promise<{ status: number; bytes: number; text: string; complete: boolean }> {
  const [response] = (await once(request(url).end(), "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => {});
  await once(response, "close").catch(() => {});
  const body = Buffer.concat(chunks);
  return {
    status: response.statusCode!,
    bytes: body.length,
    text: body.toString("latin1"),
    complete: response.complete,
  };
}

/** A client that leaves: with the first bytes of the response, or before them when `early` resolves. */
export async function leave(url: string, early?: Promise<unknown>): Promise<void> {
  const client = request(url).end();
  client.on("error", () => {});
  if (early) await early;
  else {
    const [response] = (await once(client, "response")) as [IncomingMessage];
    response.on("error", () => {});
    await once(response, "data");
  }
  client.destroy();
}
