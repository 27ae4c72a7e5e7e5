// Fastify: a query as CSV, an error as a status, and a job that stops when the client leaves.
//
// npx tsx examples/http-fastify.ts [port]      with SPARK_REMOTE, or a local Spark
// curl 'http://127.0.0.1:8080/?rows=1000000&every=1000'
import fastify from "fastify";
import { connect, csvLines, SparkStreamError, sparkStream } from "spark-arrow-stream";

const spark = await connect(process.env.SPARK_REMOTE ?? "local");
const app = fastify({ forceCloseConnections: true });

app.get("/", async (request, reply) => {
  const { rows = 1_000_000, every = 1000 } = request.query as Record<string, string>;
  const args = { rows: Number(rows), every: Number(every) };
  const trips = spark.sql(
    "SELECT id, concat('trip ', id) AS name FROM range(0, :rows, 1, 100) WHERE id % :every = 0",
    args,
  );
  // Fastify destroys the stream when the client leaves, and calls the error handler if it fails before its first byte.
  return reply.type("text/csv").send(sparkStream(trips).compose(csvLines()));
});

app.setErrorHandler((error: Error, _request, reply) => {
  const isTheirs = error instanceof SparkStreamError && error.code === "QUERY_FAILED";
  return reply
    .code(isTheirs ? 400 : 500)
    .type("text/plain")
    .send(error.message);
});

console.log(await app.listen({ port: Number(process.argv[2] ?? 8080), host: "127.0.0.1" }));

process.once("SIGINT", async () => {
  await app.close();
  await spark.close();
});
