/** What the command line says of a file that goes into Spark. */
import type { WriteMode } from "../../connect/index.js";
import type { PullOptions, WriteTarget } from "../../write-options.js";
import { usage } from "../usage.js";

export const inputFormats = ["parquet", "arrow", "arrows", "csv", "ndjson"] as const;
export type InputFormat = (typeof inputFormats)[number];

export interface IntoCommand {
  /** For `connect()`; undefined for the environment's SPARK_REMOTE. */
  readonly url: string | undefined;
  readonly connectTimeoutMs: number | undefined;
  /** A path, or "-". */
  readonly input: string;
  readonly format: InputFormat;
  /** A table, or a path. */
  readonly into: WriteTarget;
  readonly mode: WriteMode;
  readonly partitionBy: readonly string[];
  /** The columns of text, as in CREATE TABLE. */
  readonly schema: string | undefined;
  readonly delivery: "upload" | "pull";
  readonly pull: PullOptions | undefined;
  readonly quiet: boolean;
}

interface IntoValues {
  readonly input?: string;
  readonly into?: string;
  readonly format?: string;
  readonly using?: string;
  readonly mode?: string;
  readonly "partition-by"?: string;
  readonly schema?: string;
  readonly delivery?: string;
  readonly listen?: string;
  readonly port?: string;
  readonly advertise?: string;
}

const modes = ["append", "overwrite", "error", "ignore"] as const;

/** Options that go with a query alone. */
const others = [
  "sql",
  "file",
  "table",
  "param",
  "limit",
  "output",
  "compression",
  "order",
  "staged-path",
  "staged-table",
];

/** @throws SparkStreamError INVALID_ARGUMENT */
export function intoOf(
  values: IntoValues,
  pull: PullOptions | undefined,
): Omit<IntoCommand, "url" | "connectTimeoutMs" | "quiet"> {
  const { input, into } = values;
  if (!input || !into) throw usage("--input and --into go together, and take names that are not empty");
  const wrong = others.find((name) => (values as Record<string, unknown>)[name] !== undefined);
  if (wrong) throw usage(`--${wrong} does not go with --input`);
  const { mode = "error", delivery = "upload", using, schema } = values;
  if (!isOneOf(modes, mode)) throw usage(`--mode must be one of ${modes.join(", ")}, not ${JSON.stringify(mode)}`);
  if (delivery !== "upload" && delivery !== "pull") {
    throw usage(`--delivery of --input must be upload or pull, not ${JSON.stringify(delivery)}`);
  }
  if (pull && delivery !== "pull") throw usage("--listen, --port and --advertise go with --delivery pull");
  const format = formatOf(values.format, input);
  if (schema !== undefined && format !== "csv" && format !== "ndjson") {
    throw usage(`--schema goes with csv and ndjson: ${format} has types of its own`);
  }
  return {
    input,
    format,
    into: { ...(/[/\\]/.test(into) ? { path: into } : { table: into }), ...(using && { format: using }) },
    mode,
    partitionBy: values["partition-by"]?.split(",").map((name) => name.trim()) ?? [],
    schema,
    delivery,
    pull,
  };
}

function formatOf(given: string | undefined, input: string): InputFormat {
  const name = given ?? /\.(\w+?)(?:(?<=csv|ndjson|jsonl)\.gz)?$/i.exec(input)?.[1]?.toLowerCase();
  const found = name === "jsonl" ? "ndjson" : name;
  if (isOneOf(inputFormats, found)) return found;
  const why =
    given === undefined ? `the name ${JSON.stringify(input)} does not tell` : `it is ${JSON.stringify(given)}`;
  throw usage(`--format must be one of ${inputFormats.join(", ")}, and ${why}`);
}

function isOneOf<T extends string>(known: readonly T[], name: string | undefined): name is T {
  return (known as readonly (string | undefined)[]).includes(name);
}
