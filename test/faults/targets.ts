// The servers that the faults of the network are tried on.
import { startScriptedServer } from "../../lib/testing/index.js";
import { impatientSpark } from "../support/spark.js";
import type { Target } from "./network-faults.js";
import { rowBatch, rowQuery } from "./rows.js";

const BATCH = 50;
const BATCHES = 20;
const count = BATCH * BATCHES;
const batches = Array.from({ length: BATCHES }, (_, index) => rowBatch(index * BATCH, BATCH));

export const scriptedTarget: Target = {
  name: "network",
  maxStreamMs: 100,
  async with(run) {
    const conf = {
      "spark.connect.execute.reattachable.senderMaxStreamDuration": "100ms",
      "spark.connect.execute.manager.detachedTimeout": "200ms",
    };
    await using server = await startScriptedServer({ batches, chunkBytes: 800, conf, maxStreamMs: 100 });
    return await run(server.port, { query: "SELECT * FROM t", count });
  },
};

/** Such rows from a real Spark whose limits are seconds. */
function spark(name: string, rows: { count: number; perBatch: number; parameters?: string }): Target {
  return {
    name: `spark, ${name}`,
    maxStreamMs: 1_000,
    async with(run) {
      const { url, token } = await impatientSpark();
      const { count, perBatch, parameters = "" } = rows;
      const conf = { "spark.sql.execution.arrow.maxRecordsPerBatch": String(perBatch) };
      const stream = { query: rowQuery(count, 4), count, conf, parameters, connectOptions: { token } };
      return await run(Number(url.split(":").at(-1)), stream);
    },
  };
}

export const sparkTargets: readonly Target[] = [
  spark("small batches", { count: 1_000, perBatch: 125 }),
  // What the client can take decides how large a chunk is; here some 2 KB.
  spark("batches in chunks", { count: 1_000, perBatch: 250, parameters: ";grpc_max_message_size=6000" }),
  spark("large batches", { count: 100_000, perBatch: 10_000 }),
];
