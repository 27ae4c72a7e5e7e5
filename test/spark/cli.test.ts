// The command line, as it was built, as a child process: what comes on stdout and stderr, the exit code, and what is left on disk and on Spark.
import { type ExecFileException, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { tableFromIPC } from "apache-arrow";
import { expect } from "chai";
import type { SparkSession } from "../../lib/index.js";
import { version } from "../../lib/version.js";
import { runPython } from "../support/python.js";
import { sparkServer, sparkSession } from "../support/spark.js";
import { inTime, until } from "../support/until.js";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

const pty = readFileSync(new URL("../support/pty_run.py", import.meta.url), "utf8");

/** A job that would run for an hour. */
const ENDLESS = "SELECT id, uuid() AS u FROM range(0, 1000000000, 1, 20000)";

interface Outcome {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

describe("the command line", function () {
  this.timeout(180_000);
  let spark: SparkSession;
  let remote: string;
  let directory: string;
  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    const { url, token } = await sparkServer();
    remote = `${url}/;token=${token}`;
    spark = await sparkSession();
    directory = await mkdtemp(join(tmpdir(), "cli-"));
  });
  after(async () => {
    await spark?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const environment = () => ({ ...process.env, SPARK_REMOTE: remote });

  function run(args: readonly string[], stdin = ""): Promise<Outcome> {
    return new Promise((resolve) => {
      const done = (error: ExecFileException | null, stdout: Buffer, stderr: Buffer) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr: stderr.toString() });
      const options = { env: environment(), encoding: "buffer", maxBuffer: 2 ** 26, timeout: 100_000 } as const;
      execFile(process.execPath, [cli, ...args], options, done).stdin?.end(stdin);
    });
  }

  /** Fails where a job still has the slots of the server. */
  async function expectFreeSlots(): Promise<void> {
    const count = spark.range(10).repartition(2).count();
    expect(await inTime(count, "free slots")).to.equal(10);
  }

  it("prints NDJSON on stdout and one line of summary on stderr, with parameters bound by their types", async () => {
    const sql = "SELECT id, :text AS text, :none AS none FROM range(:n) WHERE id >= :from";
    const params = ["n=3", "text=it's 5", "none=null", "from=1"].flatMap((pair) => ["--param", pair]);
    const { code, stdout, stderr } = await run(["--sql", sql, ...params]);
    expect(stdout.toString()).to.equal(
      '{"id":1,"text":"it\'s 5","none":null}\n{"id":2,"text":"it\'s 5","none":null}\n',
    );
    expect(stderr).to.match(/^2 rows: 0\.0 MB of Arrow data in \d+\.\d s, \d+\.\d MB\/s\n$/);
    expect(code).to.equal(0);
  });

  it("writes every format by the file's ending, which other readers read", async () => {
    await spark
      .sql("CREATE OR REPLACE GLOBAL TEMP VIEW numbers AS SELECT id, id / 2 AS half FROM range(0, 1000, 1, 4)")
      .execute();
    const endings = ["parquet", "arrow", "arrows", "csv", "ndjson"];
    for (const ending of endings) {
      const file = join(directory, `out.${ending}`);
      const { code, stdout, stderr } = await run(["--table", "global_temp.numbers", "--limit", "900", "-o", file]);
      expect(stderr).to.contain(`900 rows are in ${file}`);
      expect([code, stdout.length]).to.deep.equal([0, 0]);
    }
    const found = await runPython(
      `
import duckdb, json, sys, pyarrow as pa, pyarrow.parquet as pq
d = sys.argv[1] + "/out."
tables = [pq.read_table(d + "parquet"), pa.ipc.open_file(d + "arrow").read_all(), pa.ipc.open_stream(d + "arrows").read_all()]
found = [[t.num_rows, sum(t["half"].to_pylist())] for t in tables]
for ending in ("csv", "ndjson"):
    found.append(list(duckdb.sql(f"SELECT count(*), sum(half) FROM '{d}{ending}'").fetchall()[0]))
print(json.dumps(found))`,
      [directory],
    );
    expect(found).to.deep.equal(endings.map(() => [900, 202_275]));
  });

  it("pipes an Arrow stream, zstd kept where asked for, from a query on standard input", async () => {
    const args = ["--file", "-", "-f", "arrows", "--compression", "zstd", "-q"];
    const { code, stdout, stderr } = await run(args, "SELECT id FROM range(5000)");
    expect([code, stderr]).to.deep.equal([0, ""]);
    const script = `
import json, sys, pyarrow as pa
t = pa.ipc.open_stream(bytes.fromhex(sys.argv[1])).read_all()
print(json.dumps([t.num_rows, sum(t["id"].to_pylist())]))`;
    expect(await runPython(script, [stdout.toString("hex")])).to.deep.equal([5000, 12_497_500]);
    expect(stdout.length).to.be.below(5000 * 8);
    const plain = await run(["--sql", "SELECT id FROM range(5000)", "-f", "arrows", "-q"]);
    expect(tableFromIPC(plain.stdout).numRows).to.equal(5000);
  });

  it("runs a query from a file as Windows writes one: UTF-16, with a byte order mark and its own line ends", async () => {
    const file = join(directory, "windows.sql");
    const sql = "\ufeff-- a comment\r\nSELECT 'größer' AS a, -- C:\\dir\\\r\n  2 AS b\r\nFROM range(:n);\r\n";
    await writeFile(file, Buffer.from(sql, "utf16le"));
    const { code, stdout } = await run(["--file", file, "--param", "n=1", "-f", "csv"]);
    expect([code, stdout.toString()]).to.deep.equal([0, "a,b\ngrößer,2\n"]);
  });

  it("ends quietly, and at once, when its reader has had enough, and so does the job", async () => {
    const command = `"$0" "$1" --sql "$2" | head -n 2`;
    const shell = spawn("bash", ["-c", `${command}; echo "codes \${PIPESTATUS[*]}"`, process.execPath, cli, ENDLESS], {
      env: environment(),
    });
    let [stdout, stderr] = ["", ""];
    shell.stdout.on("data", (data) => {
      stdout += data;
    });
    shell.stderr.on("data", (data) => {
      stderr += data;
    });
    await once(shell, "close");
    expect(stdout).to.match(/^\{"id":0,"u":"[\w-]+"\}\n\{"id":1,"u":"[\w-]+"\}\ncodes 0 0\n$/);
    expect(stderr).to.equal("");
    await expectFreeSlots();
  });

  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  for (const [signal, exitCode] of Object.entries(signals) as [keyof typeof signals, number][]) {
    it(`stops the job at ${signal}, leaves no file, and exits with ${exitCode}`, async () => {
      const child = spawn(process.execPath, [cli, "--sql", ENDLESS, "-o", join(directory, "half.parquet")], {
        env: environment(),
        stdio: ["ignore", "ignore", "pipe"],
      });
      // Its hidden file tells that it has begun.
      await until(async () => (await readdir(directory)).some((name) => name.endsWith(".tmp")), "it has begun");
      await sleep(1000); // so that it is in the middle of it
      child.kill(signal);
      const [code] = await once(child, "close");
      expect(code).to.equal(exitCode);
      expect((await readdir(directory)).filter((name) => /half|tmp/.test(name))).to.deep.equal([]);
      await expectFreeSlots();
    });
  }

  it("shows a bar of tasks, rows and MB/s on a terminal, and then the summary alone", async () => {
    const file = join(directory, "bar.csv");
    const sql = "SELECT id, uuid() AS u FROM range(0, 600000, 1, 12)";
    const args = [process.execPath, cli, "--sql", sql, "-o", file];
    const [code, shown] = (await runPython(pty, args, { env: { SPARK_REMOTE: remote } })) as [number, string];
    expect(code).to.equal(0);
    expect(shown).to.match(/\d+\/12 tasks \| [\d,]+ rows \| \d+\.\d MB\/s/);
    expect(shown.slice(shown.lastIndexOf("\u001b[2K"))).to.match(/600,000 rows are in .*bar\.csv: /);
    expect(shown).to.contain("\u001b[?25h"); // the cursor is back
    expect((await readFile(file, "utf8")).split("\n")).to.have.length(600_002);
  });

  it("takes Ctrl-C on a terminal for an interrupt", async () => {
    const args = [process.execPath, cli, "--sql", ENDLESS, "-o", join(directory, "ctrl-c.ndjson")];
    const env = { SPARK_REMOTE: remote, TYPE: "tasks |:\u0003" };
    const [code] = (await runPython(pty, args, { env })) as [number, string];
    expect(code).to.equal(130);
    expect((await readdir(directory)).filter((name) => /ctrl-c|tmp/.test(name))).to.deep.equal([]);
    await expectFreeSlots();
  });

  describe("exits", () => {
    it("with 1 and Spark's words where the query is wrong, and leaves no file", async () => {
      const { code, stdout, stderr } = await run([
        "--sql",
        "SELECT nme FROM range(1)",
        "-o",
        join(directory, "no.csv"),
      ]);
      expect([code, stdout.length]).to.deep.equal([1, 0]);
      expect(stderr).to.contain("nme").and.to.contain("[QUERY_FAILED]");
      expect(await readdir(directory)).not.to.include("no.csv");
    });

    it("with 1 where the target cannot be written, the format cannot hold a column, or nobody answers", async () => {
      const unwritable = await run(["--sql", "SELECT 1", "-o", join(directory, "missing", "x.csv")]);
      expect([unwritable.code, unwritable.stderr]).to.satisfy(
        ([code, text]: [number, string]) => code === 1 && /WRITE_FAILED/.test(text),
      );
      const nested = await run(["--sql", "SELECT array(1) AS list", "-o", join(directory, "nested.csv")]);
      expect(nested.stderr).to.contain("`list`").and.to.contain("[UNSUPPORTED_TYPE]");
      const nobody = await run(["--remote", "sc://127.0.0.1:1", "--sql", "SELECT 1"]);
      expect(nobody.stderr).to.contain("[UNAVAILABLE]");
      expect([nested.code, nobody.code]).to.deep.equal([1, 1]);
      expect(await readdir(directory)).not.to.include("nested.csv");
    });

    it("with 2 and a hint where the command line is not understood, or the file of the query is not there", async () => {
      for (const args of [[], ["--file", "/nowhere.sql"]]) {
        const { code, stdout, stderr } = await run(args);
        expect([code, stdout.length]).to.deep.equal([2, 0]);
        expect(stderr).to.match(/--help|nowhere/);
      }
    });

    it("with 0 for --help, which fits a terminal, and --version", async () => {
      const { code, stdout } = await run(["--help"]);
      expect(code).to.equal(0);
      expect(
        Math.max(
          ...stdout
            .toString()
            .split("\n")
            .map((line) => line.length),
        ),
      ).to.be.at.most(120);
      const { stdout: shown } = await run(["--version"]);
      expect(shown.toString()).to.equal(`${version}\n`);
    });
  });

  for (const page of ["README.md", "docs/cli.md"]) {
    it(`does what ${page} shows`, async () => {
      const text = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
      const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, code]) => code!);
      const commands = blocks.filter((code) => code.startsWith("npx spark-arrow-stream"));
      expect(commands).not.to.have.length(0);
      // In the place of npx, which would look for the package in the registry.
      const npx = `npx() { shift; "${process.execPath}" "${cli}" "$@"; }\n`;
      await writeFile(join(directory, "q.sql"), "SELECT id FROM range(5)");
      for (const code of commands) {
        await promisify(execFile)("bash", ["-euo", "pipefail", "-c", npx + code], {
          env: environment(),
          cwd: directory,
        });
      }
    });
  }

  it("reads a query from a file", async () => {
    const file = join(directory, "q.sql");
    await writeFile(file, "-- all of it\nSELECT 'é' AS letter\n");
    expect((await run(["--file", file, "-f", "csv"])).stdout.toString()).to.equal("letter\né\n");
  });
});
