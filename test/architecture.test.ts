import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

/** Values and types that each part of lib may import from the others. */
interface Allowed {
  readonly imports: readonly string[];
  /** By `import()` only, and types. */
  readonly later?: readonly string[];
}

/**
 * The parts of lib, from the leaves to the top. Data flows from connect through delivery and chain to spark-stream and on
 * to the sinks, and spark-stream alone puts them together. `sinks` and `arrow` know no Spark.
 */
const parts: Readonly<Record<string, Allowed>> = {
  errors: { imports: [] },
  version: { imports: [] },
  diagnostics: { imports: [] },
  runtime: { imports: ["errors"] },
  arrow: { imports: ["errors", "runtime"] },
  spool: { imports: ["errors", "runtime"] },
  local: { imports: ["errors", "runtime"] },
  connect: {
    imports: ["errors", "runtime", "version", "arrow", "spool"],
    later: ["local", "results", "sinks", "stream-options"], // the last two: types
  },
  store: { imports: ["errors", "runtime"] },
  s3: { imports: ["store"] },
  "stream-options": { imports: ["errors", "runtime", "store"] },
  chain: { imports: ["errors", "runtime", "diagnostics", "arrow", "stream-options"] },
  tasks: { imports: ["errors", "runtime", "connect"] },
  delivery: {
    imports: ["errors", "runtime", "arrow", "spool", "chain", "connect", "tasks", "store", "stream-options"],
  },
  "write-options": { imports: ["errors", "runtime", "connect"] },
  ingest: { imports: ["errors", "runtime", "arrow", "spool", "connect", "tasks", "sinks", "write-options"] },
  "from-stream": { imports: ["errors", "runtime", "connect", "delivery", "ingest", "write-options"] },
  "spark-writer": { imports: ["errors", "runtime", "connect", "ingest", "sinks", "write-options"] },
  "spark-stream": { imports: ["errors", "runtime", "chain", "connect", "delivery", "stream-options"] },
  "stored-results": { imports: ["errors", "connect", "delivery", "stream-options"] },
  results: { imports: ["errors", "runtime", "connect", "sinks", "spark-stream", "stream-options", "from-stream"] },
  sinks: { imports: ["errors", "runtime", "version", "arrow"] },
  testing: { imports: ["errors", "runtime", "connect"] },
  index: {
    imports: [
      "errors",
      "runtime",
      "chain",
      "connect",
      "delivery",
      "ingest",
      "sinks",
      "spark-stream",
      "spark-writer",
      "store",
      "stored-results",
      "stream-options",
      "write-options",
    ],
  },
  cli: {
    imports: [
      "errors",
      "runtime",
      "version",
      "arrow",
      "chain",
      "connect",
      "ingest",
      "sinks",
      "spark-stream",
      "spark-writer",
      "store",
      "stream-options",
      "write-options",
    ],
    later: ["local"],
  },
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly kind: "values" | "types" | "later";
}

const lib = fileURLToPath(new URL("../lib", import.meta.url));
const files = readdirSync(lib, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.split(sep).join("/"));
const sources = new Map(files.map((name) => [name, withoutComments(readFileSync(join(lib, name), "utf8"))]));
const imports = files.flatMap(importsOf);

const isGenerated = (name: string) => name.startsWith("connect/generated/");
const partOf = (name: string) => name.replace(/\.ts$/, "").split("/")[0]!;
const shown = ({ from, to, kind }: Import) => `${from} imports ${kind} of ${to}`;

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

function importsOf(from: string): Import[] {
  const source = sources.get(from)!;
  const found = (pattern: RegExp, kind: (match: RegExpMatchArray) => Import["kind"]) =>
    [...source.matchAll(pattern)].map((match) => ({ specifier: match.at(-1)!, kind: kind(match) }));
  return [
    ...found(/^(?:import|export)\s+(type\s)?[\w\s{},*$]*?\bfrom\s+"([^"]+)"/gm, (match) =>
      match[1] ? "types" : "values",
    ),
    ...found(/^import\s+"([^"]+)"/gm, () => "values"),
    ...found(/\bimport\(\s*"([^"]+)"\s*\)/g, () => "later"),
  ]
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ specifier, kind }) => {
      const target = relative(lib, join(lib, dirname(from), specifier))
        .split(sep)
        .join("/");
      return { from, to: target.replace(/\.js$/, ".ts"), kind };
    });
}

describe("The imports within lib", () => {
  it("are found, and lead to files that are there", () => {
    expect(imports.map(shown)).to.include.members([
      "spark-stream.ts imports values of delivery/delivery.ts",
      "spark-stream.ts imports later of chain/ipc-decoder.ts",
      "delivery/result/response-rows.ts imports types of connect/generated/spark-connect_pb.ts",
      "connect/session/connect.ts imports later of local/index.ts",
      "index.ts imports values of connect/index.ts",
    ]);
    expect(imports.filter(({ to }) => !sources.has(to)).map(shown)).to.deep.equal([]);
    const written = [...sources.values()].flatMap((source) => source.match(/(\bfrom\s+|\bimport\s*\(?\s*)"\./g) ?? []);
    expect(imports).to.have.length(written.length);
  });

  it("go one way, from part to part", () => {
    const unknown = files.map(partOf).filter((part) => !(part in parts));
    expect(unknown, "parts of which this test knows nothing").to.deep.equal([]);
    const wrong = imports.filter(({ from, to, kind }) => {
      const [here, there] = [partOf(from), partOf(to)];
      const { imports: direct, later = [] } = parts[here]!;
      const allowed = kind === "values" ? direct : [...direct, ...later];
      return here !== there && !allowed.includes(there);
    });
    expect(wrong.map(shown)).to.deep.equal([]);
  });

  it("of what is generated are of the client, of delivery (types) and of the scripted server", () => {
    const wrong = imports.filter(({ from, to, kind }) => {
      const mayImport = kind === "types" ? ["connect", "delivery", "testing"] : ["connect", "testing"];
      return isGenerated(to) && !mayImport.includes(partOf(from));
    });
    expect(wrong.map(shown)).to.deep.equal([]);
  });

  it("of Parquet's encoder are of Arrow's bytes and the leaves, so that it could be a package of its own", () => {
    const encoder = imports.filter(
      ({ from, to }) => from.startsWith("sinks/parquet/") && !to.startsWith("sinks/parquet/"),
    );
    const others = encoder.filter(({ to }) => !["arrow", "errors", "runtime", "version"].includes(partOf(to)));
    expect(encoder).not.to.have.length(0);
    expect(others.map(shown)).to.deep.equal([]);
  });

  it("load the local Spark only when somebody asks for one, and by its index.ts", () => {
    const entering = imports.filter(({ from, to }) => partOf(to) === "local" && partOf(from) !== "local");
    expect(entering.map(shown)).to.include("connect/session/connect.ts imports later of local/index.ts");
    expect(entering.filter(({ kind, to }) => kind === "values" || to !== "local/index.ts").map(shown)).to.deep.equal(
      [],
    );
  });

  it("of heavy packages, which few need, are made when they are used", () => {
    for (const name of [
      "csv-parse",
      "cli-progress",
      "@toondepauw/node-zstd",
      "lz4-napi",
      "snappy",
      "reflect-metadata",
      "@peculiar/x509",
    ]) {
      const loading = [...sources].filter(([, source]) => source.includes(`"${name}`));
      expect(loading, name).not.to.have.length(0);
      const always = loading.filter(([, source]) => new RegExp(`^import (?!type).*"${name}`, "m").test(source));
      expect(always.map(([file]) => file)).to.deep.equal([]);
    }
  });

  it("of index.ts bring in neither apache-arrow nor streamx nor gRPC nor protobuf, which are loaded when there is a session, a stream or a sink", () => {
    const reached = new Set<string>();
    const visit = (name: string) => {
      if (reached.has(name)) return;
      reached.add(name);
      for (const { from, to, kind } of imports) if (from === name && kind === "values") visit(to);
    };
    visit("index.ts");
    expect([...reached]).to.include.members(["spark-stream.ts", "connect/session/connect.ts", "sinks/text/rows.ts"]);
    const heavy = /^import (?!type\b)[^"]*"(apache-arrow|streamx|@grpc\/|@bufbuild\/)/m;
    expect([...reached].filter((name) => heavy.test(sources.get(name)!))).to.deep.equal([]);
    expect(heavy.test(sources.get("connect/rpc/channel.ts")!)).to.equal(true);
  });

  it("have no cycles, types included", () => {
    const direct = imports.filter(({ kind }) => kind !== "later");
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (name: string, path: readonly string[]) => {
      if (path.includes(name)) cycles.push([...path.slice(path.indexOf(name)), name].join(" → "));
      if (path.includes(name) || done.has(name)) return;
      for (const { from, to } of direct) if (from === name) visit(to, [...path, name]);
      done.add(name);
    };
    for (const name of files) visit(name, []);
    expect(cycles).to.deep.equal([]);
  });
});

describe("The exports within lib", () => {
  it("of an index.ts are re-exports of names, and there is nothing else in it", () => {
    const indexes = files.filter((name) => /(^|\/)index\.ts$/.test(name));
    expect(indexes).to.include.members(["index.ts", "connect/index.ts", "local/index.ts"]);
    for (const name of indexes) {
      const rest = sources.get(name)!.replace(/\bexport\s+(type\s+)?\{[\w\s,]*\}\s+from\s+"[^"]+";/g, "");
      expect(rest.trim(), name).to.equal("");
    }
  });

  it("have names: nothing is exported as default or as everything", () => {
    const wrong = files.filter((name) => /^export\s+(default\b|\*)|\bas\s+default\b/m.test(sources.get(name)!));
    expect(wrong.filter((name) => !isGenerated(name))).to.deep.equal([]);
  });
});
