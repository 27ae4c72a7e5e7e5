// An HTTP server that writes what it is sent, one JSON object a line, into a table of Spark: all of it, or none.
//
// npx tsx examples/http-upload.ts [port]      with SPARK_REMOTE, or a local Spark
// curl -T events.ndjson http://127.0.0.1:8080/
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { Field, Int64, Schema, Utf8 } from "apache-arrow";
import { connect, SparkStreamError, sparkWriter } from "spark-arrow-stream";

const spark = await connect(process.env.SPARK_REMOTE ?? "local");
const schema = new Schema([new Field("id", new Int64(), false), new Field("name", new Utf8(), true)]);

async function* objects(body: AsyncIterable<Buffer>) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as object;
  }
  if (rest !== "") yield JSON.parse(rest) as object;
}

const server = createServer(async (request, response) => {
  try {
    const writer = sparkWriter(spark, { table: "events" }, { mode: "append", schema });
    // A client that leaves ends the pipeline, and nothing is written.
    await pipeline(request, objects, writer);
    response.end(`${writer.metrics.rows} rows were written\n`);
  } catch (error) {
    const isTheirs =
      error instanceof SyntaxError || (error instanceof SparkStreamError && error.code === "INVALID_INPUT");
    response.writeHead(isTheirs ? 400 : 500, { "content-type": "text/plain" }).end(`${(error as Error).message}\n`);
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
