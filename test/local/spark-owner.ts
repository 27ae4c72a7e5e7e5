/* A process that owns a local Spark: prints its process id, and then does as its argument says. */
import { startLocalSpark } from "../../lib/local/index.js";

const spark = await startLocalSpark({ master: "local[1]" });
console.log(spark.pid);
if (process.argv[2] === "stay") setInterval(() => {}, 1_000);
