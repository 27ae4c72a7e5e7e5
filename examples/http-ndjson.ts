// An HTTP server that answers with the rows of a Spark query, one JSON object a line, while they arrive.
//
// npx tsx examples/http-ndjson.ts [port]      with SPARK_REMOTE, or a local Spark
// curl 'http://127.0.0.1:8080/?every=1000'
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { connect, ndjsonWriter, sparkStream } from "spark-arrow-stream";

const spark = await connect(process.env.SPARK_REMOTE ?? "local");

const server = createServer(async (request, response) => {
  const { searchParams } = new URL(request.url ?? "/", "http://localhost");
  const every = Number(searchParams.get("every") ?? 1000);
  // A parameter, never a piece of the text: nothing that a client sends becomes SQL.
  const trips = spark.sql("SELECT id, concat('trip ', id) AS name FROM range(1000000) WHERE id % :every = 0", {
    every,
  });
  const stream = sparkStream(trips);
  try {
    await stream.schema; // a query that fails at once can still get a status code
    response.setHeader("content-type", "application/x-ndjson");
    // A client that goes away ends the pipeline, and with that the job on the cluster.
    await pipeline(stream, ndjsonWriter(response));
  } catch (error) {
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { "content-type": "text/plain" }).end(`${(error as Error).message}\n`);
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
