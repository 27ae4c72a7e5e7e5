import { findSparkHome } from "../lib/local/spark-home.js";
import { testPython } from "../test/support/python.js";
import { type Contender, nodeContender, pythonContender } from "./measure.js";

export const names = { limit: "bare drain", ours: "sparkStream", pyspark: "PySpark batches" } as const;

/** The three that read one frame: the limit, this package, and the mark. */
export async function contenders(): Promise<readonly Contender[]> {
  const [python, { pythonPath }] = await Promise.all([testPython(), findSparkHome({})]);
  return [
    nodeContender(names.limit, "contenders/bare-drain.ts"),
    nodeContender(names.ours, "contenders/spark-stream.ts"),
    pythonContender(names.pyspark, "contenders/pyspark-batches.py", python, pythonPath),
  ];
}
