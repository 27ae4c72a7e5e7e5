// An HTTP server that streams a Spark query to a web page, which draws it while it arrives and can stop it.
//
// SPARK_REMOTE=sc://… tsx examples/http-arrow/server.ts [port]      (without SPARK_REMOTE: a local Spark)
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { arrowIpcBytes, connect, SparkStreamError } from "spark-arrow-stream";

const spark = await connect(process.env.SPARK_REMOTE ?? "local");

const files: Record<string, [type: string, url: URL]> = {
  "/": ["text/html; charset=utf-8", new URL("page.html", import.meta.url)],
  "/arrow.js": ["text/javascript", new URL("Arrow.es2015.min.js", import.meta.resolve("apache-arrow"))],
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const file = files[pathname];
  if (file) {
    response.setHeader("content-type", file[0]);
    return await pipeline(createReadStream(fileURLToPath(file[1])), response);
  }
  if (pathname !== "/walk") {
    response.writeHead(404).end();
    return;
  }
  const rows = Math.min(Number(searchParams.get("rows")) || 2_000_000, 100_000_000);
  const walk = spark.sql(
    "SELECT id AS x, sin(id / 3e5) * 40 + sin(id / 4e4) * 9 + rand(7) * 6 AS y FROM range(0, :rows, 1, 40)",
    { rows },
  );
  // A page that goes away ends the job on the cluster, also while the first bytes are awaited.
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const bytes = arrowIpcBytes(walk, { maxRecordsPerBatch: 50_000, signal: gone.signal });
  await once(bytes, "readable"); // a query that fails before its first bytes rejects here, and is answered with a status
  response.setHeader("content-type", "application/vnd.apache.arrow.stream");
  await pipeline(bytes, response);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    if (response.headersSent || response.destroyed) return; // the page has left, or sees that the response breaks off
    const message = error instanceof SparkStreamError ? `${error.code}: ${error.message}` : String(error);
    response.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end(message);
  });
});
server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

process.once("SIGINT", async () => {
  server.close();
  server.closeAllConnections();
  await spark.close();
});
