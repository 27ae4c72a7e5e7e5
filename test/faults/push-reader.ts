/** A process that reads a pushed stream, says so, and does not go on. It is there to be killed. */
import { connect, sparkStream } from "../../lib/index.js";

const spark = await connect();
const frame = spark.sql("SELECT id, repeat('x', 1000) AS text FROM range(0, 1000000, 1, 8)");
for await (const _ of sparkStream(frame, { delivery: "push" })) {
  console.log("reading");
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
}
