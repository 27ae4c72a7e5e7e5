// Express: rows of a query as lines of JSON, an error as a status, and a job that stops when the client leaves.
//
// npx tsx examples/http-express.ts [port]      with SPARK_REMOTE, or a local Spark
// curl 'http://127.0.0.1:8080/?rows=1000000&every=1000'
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import express, { type ErrorRequestHandler } from "express";
import { connect, ndjsonWriter, SparkStreamError, sparkStream } from "spark-arrow-stream";

const spark = await connect(process.env.SPARK_REMOTE ?? "local");
const app = express();

app.get("/", async ({ query: { rows = 1_000_000, every = 1000 } }, response) => {
  const args = { rows: Number(rows), every: Number(every) };
  const trips = spark.sql(
    "SELECT id, concat('trip ', id) AS name FROM range(0, :rows, 1, 100) WHERE id % :every = 0",
    args,
  );
  response.type("application/x-ndjson");
  await pipeline(sparkStream(trips), ndjsonWriter(response));
});

// Before the first byte the response is untouched, and can be answered; after it, it has been destroyed.
const onError: ErrorRequestHandler = (error, _request, response, _next) => {
  if (response.headersSent || response.destroyed) return;
  const isTheirs = error instanceof SparkStreamError && error.code === "QUERY_FAILED";
  response
    .status(isTheirs ? 400 : 500)
    .type("text/plain")
    .send(error.message);
};
app.use(onError);

const server = app.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

process.once("SIGINT", async () => {
  server.close();
  server.closeAllConnections();
  await spark.close();
});
