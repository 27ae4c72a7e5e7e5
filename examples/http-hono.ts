// Hono, or whatever answers with a web Response: lines of JSON, an error as a status, and a job that stops when the client leaves.
//
// npx tsx examples/http-hono.ts [port]      with SPARK_REMOTE, or a local Spark
// curl 'http://127.0.0.1:8080/?rows=1000000&every=1000'
import { once } from "node:events";
import { Readable } from "node:stream";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { connect, ndjsonLines, SparkStreamError, sparkStream } from "spark-arrow-stream";

const spark = await connect(process.env.SPARK_REMOTE ?? "local");
const app = new Hono();

app.get("/", async (context) => {
  const args = {
    rows: Number(context.req.query("rows") ?? 1_000_000),
    every: Number(context.req.query("every") ?? 1000),
  };
  const trips = spark.sql(
    "SELECT id, concat('trip ', id) AS name FROM range(0, :rows, 1, 100) WHERE id % :every = 0",
    args,
  );
  const lines = sparkStream(trips).compose(ndjsonLines()) as Readable;
  await once(lines, "readable"); // the first lines, or the error: a Response has its status from the beginning
  return new Response(Readable.toWeb(lines) as ReadableStream, { headers: { "content-type": "application/x-ndjson" } });
});

app.onError((error, context) => {
  const isTheirs = error instanceof SparkStreamError && error.code === "QUERY_FAILED";
  return context.text(error.message, isTheirs ? 400 : 500);
});

const server = serve({ fetch: app.fetch, port: Number(process.argv[2] ?? 8080), hostname: "127.0.0.1" }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}/`);
});

process.once("SIGINT", async () => {
  server.close();
  if ("closeAllConnections" in server) server.closeAllConnections();
  await spark.close();
});
