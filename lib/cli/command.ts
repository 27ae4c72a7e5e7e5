/** Parses the command line's arguments. */
import { parseArgs } from "node:util";
import type { SqlParameter } from "../connect/index.js";
import { checkStoreUri, type StoreLocation } from "../store/store.js";
import type { PushOptions, SparkStreamOptions, StagedOptions } from "../stream-options.js";
import { type IntoCommand, intoOf } from "./into/into-command.js";
import { isBlank } from "./query-text.js";
import { usage } from "./usage.js";

export const formats = ["parquet", "arrow", "arrows", "csv", "ndjson"] as const;
export type Format = (typeof formats)[number];

/** A query whose result goes into a file. */
export interface Command {
  /** For `connect()`; undefined for the environment's SPARK_REMOTE. */
  readonly url: string | undefined;
  /** How long to wait for a server that is still starting. */
  readonly connectTimeoutMs: number | undefined;
  readonly query: { readonly sql: string } | { readonly file: string } | { readonly table: string };
  readonly params: Readonly<Record<string, SqlParameter>>;
  readonly limit: number | undefined;
  /** A path, or "-". */
  readonly output: string;
  readonly format: Format;
  readonly compression: string | undefined;
  /** The delivery and its own options. */
  readonly stream: SparkStreamOptions;
  readonly quiet: boolean;
}

const compressions: Readonly<Record<Format, readonly string[]>> = {
  parquet: ["zstd", "snappy", "gzip", "brotli", "lz4_raw", "uncompressed"],
  arrows: ["none", "zstd"],
  arrow: [],
  csv: ["none", "gzip", "zstd"],
  ndjson: ["none", "gzip", "zstd"],
};

/** @throws SparkStreamError INVALID_ARGUMENT */
export function parseCommand(args: readonly string[]): Command | IntoCommand | "help" | "version" {
  const { values } = parse(args);
  if (values.help) return "help";
  if (values.version) return "version";
  const where = {
    url: urlOf(values.remote, values.local),
    connectTimeoutMs: timeoutOf(values["connect-timeout"]),
    quiet: values.quiet ?? false,
  };
  if (values.input !== undefined || values.into !== undefined) return { ...where, ...intoOf(values, pushOf(values)) };
  const alone = ["mode", "partition-by", "using", "schema"].find((name) => name in values);
  if (alone !== undefined) throw usage(`--${alone} goes with --input and --into`);
  const output = values.output ?? "-";
  if (output === "") throw usage("--output takes a path, or -");
  const format = formatOf(values.format, output);
  const { compression } = values;
  if (compression !== undefined && !compressions[format].includes(compression)) {
    const choices = compressions[format];
    if (choices.length === 0) throw usage(`--compression does not apply to ${format}`);
    throw usage(`--compression of ${format} must be one of ${choices.join(", ")}, not ${JSON.stringify(compression)}`);
  }
  return {
    ...where,
    query: queryOf(values),
    params: paramsOf(values.param ?? []),
    limit: values.limit === undefined ? undefined : limitOf(values.limit),
    output,
    format,
    compression,
    stream: streamOf(values),
  };
}

const options = {
  remote: { type: "string" },
  local: { type: "string" },
  "connect-timeout": { type: "string" },
  sql: { type: "string" },
  file: { type: "string" },
  table: { type: "string" },
  param: { type: "string", multiple: true },
  limit: { type: "string" },
  output: { type: "string", short: "o" },
  format: { type: "string", short: "f" },
  compression: { type: "string" },
  delivery: { type: "string" },
  listen: { type: "string" },
  port: { type: "string" },
  advertise: { type: "string" },
  order: { type: "string" },
  "staged-path": { type: "string" },
  "staged-table": { type: "string" },
  store: { type: "string" },
  input: { type: "string", short: "i" },
  into: { type: "string" },
  using: { type: "string" },
  mode: { type: "string" },
  "partition-by": { type: "string" },
  schema: { type: "string" },
  quiet: { type: "boolean", short: "q" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

function parse(args: readonly string[]) {
  // --local may have no value; parseArgs does not support optional values.
  const whole = args.flatMap((arg, index) => {
    const alone = arg === "--local" && !/^(\d+|\*)$/.test(args[index + 1] ?? "");
    return alone ? ["--local", "*"] : [arg];
  });
  try {
    return parseArgs({ args: whole, options, strict: true, allowPositionals: false });
  } catch (error) {
    throw usage((error as Error).message.replace(/\.$/, ""));
  }
}

function urlOf(remote: string | undefined, local: string | undefined): string | undefined {
  if (remote !== undefined && local !== undefined) throw usage("give either --remote or --local");
  if (local === undefined) return remote;
  if (!/^([1-9]\d*|\*)$/.test(local)) throw usage(`--local takes a number of cores, not ${JSON.stringify(local)}`);
  return `local[${local}]`;
}

function queryOf({ sql, file, table }: { sql?: string; file?: string; table?: string }): Command["query"] {
  const given = [sql, file, table].filter((value) => value !== undefined);
  if (given.length !== 1) throw usage(`give exactly one of --sql, --file and --table, not ${given.length || "none"}`);
  if (sql !== undefined) {
    if (isBlank(sql)) throw usage("--sql contains no query");
    return { sql };
  }
  if (given[0] === "") throw usage("--file and --table take a non-empty name");
  return file !== undefined ? { file } : { table: table! };
}

function formatOf(format: string | undefined, output: string): Format {
  if (format === undefined && output === "-") return "ndjson";
  const name = format ?? /\.(\w+?)(?:(?<=csv|ndjson)\.(?:gz|zst))?$/i.exec(output)?.[1]?.toLowerCase();
  const known = formats.find((candidate) => candidate === name);
  if (known) return known;
  const found =
    format === undefined ? `the name ${JSON.stringify(output)} does not tell` : `it is ${JSON.stringify(format)}`;
  throw usage(`--format must be one of ${formats.join(", ")}, and ${found}`);
}

interface StreamValues extends PushValues {
  readonly delivery?: string;
  readonly "staged-path"?: string;
  readonly "staged-table"?: string;
  readonly store?: string;
}

function streamOf(values: StreamValues): SparkStreamOptions {
  const { delivery } = values;
  const [push, staged] = [pushOf(values), stagedOf(values)];
  const { order, ...reach } = push ?? {};
  if (order && delivery !== "push" && delivery !== "stored") throw usage("--order goes with --delivery push or stored");
  if (Object.keys(reach).length > 0 && delivery !== "push") {
    throw usage("--listen, --port and --advertise go with --delivery push");
  }
  if ((values.store === undefined) === (delivery === "stored")) {
    throw usage("--delivery stored and --store go together");
  }
  if (staged && delivery !== "staged") throw usage("--staged-path and --staged-table go with --delivery staged");
  switch (delivery) {
    case undefined:
      return {};
    case "result":
      return { delivery };
    case "staged":
      return { delivery, ...(staged && { staged }) };
    case "push":
      return { delivery, ...(push && { push }) };
    case "stored":
      return { delivery, store: storeOf(values.store!), ...(order && { stored: { order } }) };
    default:
      throw usage(`--delivery must be result, staged, push or stored, not ${JSON.stringify(delivery)}`);
  }
}

/** @throws SparkStreamError INVALID_ARGUMENT */
function storeOf(uri: string): StoreLocation {
  const store = { uri };
  checkStoreUri(store);
  return store;
}

function stagedOf({ "staged-path": path, "staged-table": table }: StreamValues): StagedOptions | undefined {
  if (path === "" || table === "") throw usage("--staged-path and --staged-table take a name that is not empty");
  if (path !== undefined && table !== undefined) throw usage("give either --staged-path or --staged-table");
  if (path !== undefined) return { path };
  return table === undefined ? undefined : { table };
}

interface PushValues {
  readonly listen?: string;
  readonly port?: string;
  readonly advertise?: string;
  readonly order?: string;
}

function pushOf({ listen, port, advertise, order }: PushValues): PushOptions | undefined {
  if (order !== undefined && order !== "arrival" && order !== "partition") {
    throw usage(`--order must be arrival or partition, not ${JSON.stringify(order)}`);
  }
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= 65535)) {
    throw usage(`--port takes a number up to 65535, not ${JSON.stringify(port)}`);
  }
  const push: PushOptions = {
    ...(listen !== undefined && { host: listen }),
    ...(port !== undefined && { port: Number(port) }),
    ...(advertise !== undefined && { advertise }),
    ...(order !== undefined && { order }),
  };
  return Object.keys(push).length === 0 ? undefined : push;
}

function paramsOf(pairs: readonly string[]): Record<string, SqlParameter> {
  const found = pairs.map((pair) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined) throw usage(`--param takes NAME=VALUE, not ${JSON.stringify(pair)}`);
    return [name, paramValue(name, value!)] as const;
  });
  for (const [index, [name]] of found.entries()) {
    const twice = found.findIndex((other) => other[0] === name) < index;
    if (twice) throw usage(`--param gives ${JSON.stringify(name)} more than one value`);
  }
  return Object.fromEntries(found);
}

function paramValue(name: string, text: string): SqlParameter {
  const value = jsonValue(text);
  const inRange = typeof value === "bigint" ? BigInt.asIntN(64, value) === value : !isInfinite(value);
  if (inRange) return value;
  const advice = `Put it into quotes, --param '${name}="${text}"', and cast it in the query`;
  throw usage(`--param ${name} is out of the range of ${typeof value === "bigint" ? "BIGINT" : "DOUBLE"}. ${advice}`);
}

/** Whether a value has an infinite number, which JSON.parse makes of 1e999. */
function isInfinite(value: SqlParameter): boolean {
  return typeof value === "number" && !Number.isFinite(value);
}

function jsonValue(text: string): SqlParameter {
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text))) return BigInt(text);
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || typeof value !== "object") return value as SqlParameter;
  } catch {
    // A string that needs no quotes.
  }
  return text;
}

function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Number(text) * 1000;
  if (/^\d+(\.\d+)?$/.test(text) && ms > 0 && ms < 2 ** 31) return ms;
  throw usage(`--connect-timeout takes a number of seconds, not ${JSON.stringify(text)}`);
}

function limitOf(text: string): number {
  const rows = Number(text);
  if (/^\d+$/.test(text) && rows < 2 ** 31) return rows;
  throw usage(`--limit takes a number of rows, not ${JSON.stringify(text)}`);
}
