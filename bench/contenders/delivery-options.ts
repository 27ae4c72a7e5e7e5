import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import type { SparkStreamOptions } from "../../lib/index.js";
import type { Task } from "../task.js";

/** The options of a stream by this delivery: "stored" goes through a local directory. */
export function deliveryOptions(delivery: Task["delivery"] = "result"): SparkStreamOptions {
  return delivery === "stored" ? { delivery, store: { uri: pathToFileURL(tmpdir()).href } } : { delivery };
}
