// The command line the other way: a file becomes rows of a table, whole or not at all.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import type { SparkSession } from "../../lib/index.js";
import { runPython } from "../support/python.js";
import { SparkUi } from "../support/spark-ui.js";
import { until } from "../support/until.js";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

describe("the command line, with --input and --into", function () {
  this.timeout(180_000);
  let ui: SparkUi;
  let spark: SparkSession;
  let dir: string;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    ui = await SparkUi.open();
    spark = await ui.connect();
    dir = await mkdtemp(join(tmpdir(), "cli-into-"));
    await spark.execute(`CREATE DATABASE into_lake LOCATION '${dir}/lake'`);
  });
  after(async () => {
    await spark?.execute("DROP DATABASE IF EXISTS into_lake CASCADE");
    await spark?.close();
    await rm(dir, { recursive: true, force: true });
  });

  function start(args: readonly string[], stdin: string | Readable = "") {
    const { url, token } = ui.server;
    const env = { ...process.env, SPARK_REMOTE: `${url}/;token=${token}` };
    const child = spawn(process.execPath, [cli, ...args], { env });
    const input = typeof stdin === "string" ? Readable.from([stdin]) : stdin;
    child.stdin.on("error", () => {}); // it may end before it has read everything
    input.pipe(child.stdin);
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    return { child, ended: once(child, "close").then(([code, signal]) => ({ code, signal, stderr })) };
  }
  const run = async (args: readonly string[], stdin?: string) => await start(args, stdin).ended;

  let count = 0;
  async function file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(dir, `${count++}-${name}`);
    await writeFile(path, content);
    return path;
  }
  const rowsOf = (table: string, by = "id") => spark.table(table).orderBy(by).collect({ json: true });

  it("appends CSV to a table, by the names and types of its columns", async () => {
    await spark.execute(
      "CREATE TABLE into_lake.people (id BIGINT, name STRING, born DATE, paid DECIMAL(10, 2), ok BOOLEAN, raw BINARY) USING parquet",
    );
    const text =
      '\uFEFFName,id,paid,ok,raw\r\n"Ada, ""L""",1,12.50,true,AP8=\r\n"",2,,,\r\n,3,-0.01,false,\r\n"two\nlines",4,,,\r\n';
    for (const [path, delivery] of [
      [await file("a.csv", text), "upload"],
      [await file("b.csv.gz", gzipSync(text)), "pull"],
    ] as const) {
      const args = ["-i", path, "--into", "into_lake.people", "--mode", "append", "--delivery", delivery];
      const { code, stderr } = await run(args);
      expect(stderr).to.match(/^4 rows of \S+ are in into_lake\.people: \d+\.\d s\n$/);
      expect(code).to.equal(0);
      expect(await rowsOf("into_lake.people")).to.deep.equal([
        { id: 1, name: 'Ada, "L"', born: null, paid: "12.50", ok: true, raw: "AP8=" },
        { id: 2, name: "", born: null, paid: null, ok: null, raw: null },
        { id: 3, name: null, born: null, paid: "-0.01", ok: false, raw: null },
        { id: 4, name: "two\nlines", born: null, paid: null, ok: null, raw: null },
      ]);
      await spark.execute("TRUNCATE TABLE into_lake.people");
    }
  });

  it("makes a table of NDJSON on standard input, with types that Spark infers, exactly", async () => {
    const lines = '{"id":1,"big":12345678901234567890,"tags":["x",null],"at":{"x":1.5}}\n\n{"id":2,"name":"é"}\n';
    const { code, stderr } = await run(["-i", "-", "-f", "ndjson", "--into", "into_lake.events"], lines);
    expect([code, stderr]).to.deep.equal([0, stderr.match(/^2 rows are in into_lake\.events: .*\n$/)?.[0]]);
    expect(await rowsOf("into_lake.events")).to.deep.equal([
      { at: { x: 1.5 }, big: "12345678901234567890", id: 1, name: null, tags: ["x", null] },
      { at: null, big: null, id: 2, name: "é", tags: null },
    ]);
    const again = await run(["-i", "-", "-f", "ndjson", "--into", "into_lake.events", "--mode", "append", "-q"], lines);
    expect([again.code, again.stderr]).to.deep.equal([0, ""]);
    await spark.catalog.refreshTable("into_lake.events"); // this session has its list of files
    expect(await spark.table("into_lake.events").count()).to.equal(4);
  });

  it("takes Parquet and Arrow with the types that they have, and partitions them", async () => {
    const [parquet, arrow, stream] = ["t.parquet", "t.arrow", "t.arrows"].map((name) => join(dir, name));
    await runPython(
      `
import datetime, decimal, json, sys, pyarrow as pa, pyarrow.parquet as pq
rows = 200_000
table = pa.table({"id": pa.array(range(rows), pa.uint32()), "part": pa.array([i % 3 for i in range(rows)], pa.int8()),
  "name": pa.array([f"n{i % 50}" for i in range(rows)]).dictionary_encode(),
  "at": pa.array([datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)] * rows, pa.timestamp("ns", "UTC")),
  "paid": pa.array([decimal.Decimal("1.25")] * rows, pa.decimal128(10, 2))})
pq.write_table(table, sys.argv[1], row_group_size=30_000)
with pa.ipc.new_file(sys.argv[2], table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
    writer.write_table(table, max_chunksize=50_000)
with pa.ipc.new_stream(sys.argv[3], table.schema) as writer:
    writer.write_table(table, max_chunksize=50_000)
print(json.dumps(1))
`,
      [parquet!, arrow!, stream!],
    );
    for (const path of [parquet!, arrow!, stream!]) {
      const target = `${path}-out`;
      const { code, stderr } = await run(["-i", path, "--into", target, "--partition-by", "part"]);
      expect([code, stderr]).to.deep.equal([0, stderr.match(/^200,000 rows of .*\n$/)?.[0]]);
      const back = spark.read.parquet(target);
      expect(
        await back
          .agg("count(*) n", "sum(id) s", "max(name) m", "max(at) t", "sum(paid) p", "max(part) q")
          .first({ json: true }),
      ).to.deep.equal({
        n: 200_000,
        s: 19_999_900_000,
        m: "n9",
        t: "2026-01-01T00:00:00.000000Z",
        p: "250000.00",
        q: 2,
      });
    }
  });

  it("refuses what does not fit, says where, and leaves nothing", async () => {
    await spark.execute("CREATE TABLE into_lake.strict (id INT, name STRING) USING parquet");
    const into = ["--into", "into_lake.strict", "--mode", "append"];
    const ndjson = (text: string) => [["-i", "-", "-f", "ndjson", ...into], text] as const;
    const csv = (text: string) => [["-i", "-", "-f", "csv", ...into], text] as const;
    for (const [[args, text], words] of [
      [csv("id,name\n1,a\n1.5,b\n"), /Column `id`: 1\.5 is no INT\. Nothing was written\. \[INVALID_INPUT\]/],
      [csv("id,name\n99999999999,b\n"), /99999999999 is no INT/],
      [csv("id,other\n1,a\n"), /`other`.*`id`, `name`.*\[SCHEMA_MISMATCH\]/],
      [csv("id,name\n1,a,b\n"), /is no CSV that can be read: .*line 2.*\[INVALID_INPUT\]/],
      [csv("id,id\n1,a\n"), /two columns "id"/],
      [csv('id,name\n1,"a\n'), /Quote/],
      [csv(""), /is empty/],
      [
        ndjson('{"id":1,"other":2}\n'),
        /The field other is no column: \{"id":1,"other":2\}\. Nothing was written\. \[INVALID_INPUT\]/,
      ],
      [ndjson('{"id":"x"}\n'), /\[QUERY_FAILED\]/],
      [ndjson('{"id":1\n'), /\[QUERY_FAILED\]/],
      [
        [["-i", await file("cut.ndjson.gz", gzipSync('{"id":1}\n'.repeat(99_999)).subarray(0, -20)), ...into], ""],
        /is no text in UTF-8 .*unexpected end of file/,
      ],
      [
        [["-i", await file("latin.csv", Buffer.from("id,name\n1,\xe9\n", "latin1")), ...into], ""],
        /is no text in UTF-8/,
      ],
      [[["-i", join(dir, "nothing.csv"), ...into], ""], /Cannot read --input: ENOENT.*\[INVALID_INPUT\]/],
      [[["-i", await file("x.arrow", "no arrow at all"), ...into], ""], /is no Arrow data.*\[INVALID_INPUT\]/],
      [[["-i", await file("x.parquet", "no parquet at all"), ...into], ""], /is no Parquet.*\[INVALID_INPUT\]/],
      [[["-i", "-", "-f", "csv", "--into", "into_lake.strict"], "id\n1\n"], /exists already/],
    ] as const) {
      const { code, stderr } = await run(args, text);
      expect(stderr).to.match(words);
      expect(code).to.equal(1);
    }
    expect(await spark.table("into_lake.strict").count()).to.equal(0);
  });

  it("ends with 130 after Ctrl-C, and leaves nothing that runs, and no table", async () => {
    async function* endless() {
      yield "id\n";
      for (let id = 0; ; id++) yield `${id}\n`.repeat(1_000);
    }
    for (const delivery of ["upload", "pull"]) {
      const target = join(dir, `endless-${delivery}`);
      const args = ["-i", "-", "-f", "csv", "--into", target, "--delivery", delivery, "--schema", "id BIGINT"];
      const { child, ended } = start(args, Readable.from(endless()));
      await until(async () => (await ui.runningTasks()) > 0, "tasks have begun");
      child.kill("SIGINT");
      expect(await ended).to.deep.equal({ code: 130, signal: null, stderr: "" });
      await until(async () => (await ui.runningTasks()) === 0, "nothing runs");
      expect(existsSync(join(target, "_SUCCESS"))).to.equal(false);
    }
  });
});
