// An HTTP server that answers with the rows of a Spark query, one JSON object a line, while they arrive.
//
// npx tsx examples/http-ndjson.ts [port]      with SPARK_REMOTE, or a local Spark
// curl 'http://127.0.0.1:8080/?rows=1000000&every=1000'
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { connect, ndjsonWriter, SparkStreamError, sparkStream } from "spark-arrow-stream";

const spark = await connect(process.env.SPARK_REMOTE ?? "local");

const server = createServer(async (request, response) => {
  const { searchParams } = new URL(request.url ?? "/", "http://localhost");
  const args = {
    rows: Number(searchParams.get("rows") ?? 1_000_000),
    every: Number(searchParams.get("every") ?? 1000),
  };
  response.setHeader("content-type", "application/x-ndjson");
  try {
    // Parameters, never pieces of the text: nothing that a client sends becomes SQL.
    const trips = spark.sql(
      "SELECT id, concat('trip ', id) AS name FROM range(0, :rows, 1, 100) WHERE id % :every = 0",
      args,
    );
    // A client that leaves ends the pipeline, and with it the job on the cluster.
    await pipeline(sparkStream(trips), ndjsonWriter(response));
  } catch (error) {
    // Once rows were sent, the writer has destroyed the response: the client sees that it breaks off.
    if (response.headersSent || response.destroyed) return;
    const isTheirs = error instanceof SparkStreamError && error.code === "QUERY_FAILED";
    response.writeHead(isTheirs ? 400 : 500, { "content-type": "text/plain" }).end((error as Error).message);
  }
});

server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

process.once("SIGINT", async () => {
  server.close();
  server.closeAllConnections();
  await spark.close();
});
