import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { RunningServer } from "./spark-servers.js";

const SCRIPT = `
import json, sys, datetime, decimal
from pyspark.sql.connect.session import SparkSession
from pyspark.sql import Row
spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
def canonical(value):
    if isinstance(value, Row): return {k: canonical(v) for k, v in value.asDict(recursive=False).items()}
    if isinstance(value, dict): return {"map": [[canonical(k), canonical(v)] for k, v in value.items()]}
    if isinstance(value, list): return [canonical(v) for v in value]
    if isinstance(value, (bytes, bytearray)): return bytes(value).hex()
    if isinstance(value, bool) or value is None or isinstance(value, str): return value
    if isinstance(value, int): return str(value)
    if isinstance(value, float): return "NaN" if value != value else str(float(repr(value)))
    if isinstance(value, datetime.datetime): return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    return str(value)
print(json.dumps([canonical(row) for row in spark.sql(sys.argv[2]).collect()]))
`;

/** The rows as that server's own PySpark has them, in the form of {@link canonical}. */
export async function pysparkRows({ url, token, python }: RunningServer, query: string): Promise<unknown[]> {
  const env = { ...process.env, TZ: "UTC", ...(token && { SPARK_CONNECT_AUTHENTICATE_TOKEN: token }) };
  // By this name alone PySpark 4.0 sends a token without TLS.
  const remote = url.replace("127.0.0.1", "localhost");
  const { stdout } = await promisify(execFile)(python, ["-W", "ignore", "-c", SCRIPT, remote, query], { env });
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

/** A value of `rows()` in a form that Python's values have, too: numbers as text, maps as lists of entries. */
export function canonical(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Map) return { map: [...value].map((entry) => entry.map(canonical)) };
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value === "number" || typeof value === "bigint") return `${value}`;
  if (typeof value === "string") return value.replace(/^(\d{4}-\d\d-\d\dT\S+)Z$/, "$1");
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, canonical(inner)]));
}
