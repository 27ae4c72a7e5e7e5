import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { expect } from "chai";
import { startExample } from "./support/example-server.js";
import { sparkServer, sparkSession } from "./support/spark.js";
import { SparkUi } from "./support/spark-ui.js";
import { temporaryDirectory } from "./support/temporary-directory.js";
import { until } from "./support/until.js";

const run = promisify(execFile);
const directory = resolve(import.meta.dirname, "../examples");

/**
 * What each example prints that runs and ends. The demo is run by CI as the README's own command, http-arrow in
 * test/spark/http-arrow.test.ts, and the stores in test/spark/store-examples.test.ts, but for webhdfs.ts: executors need libhdfs
 * for it, which no registry has.
 */
const outputs: Record<string, RegExp> = {
  "to-parquet.ts": /^500000 rows are in .*trips\.parquet$/m,
  "for-await.ts": /^500000 readings, mean -?0\.\d{6}$/m,
  "parallel-sinks.ts": /draws-0\.parquet: \d{6} rows\n.*draws-1\.parquet: \d{6} rows\n.*draws-2\.parquet: \d{6} rows$/m,
  "to-duckdb.ts": /^rows, fares, sum of ids: 200000, 133333, 19999900000$/m,
  "worker-threads/main.ts": /^the longest run of even hashes within a batch is \d+$/m,
  "cluster-shares.ts":
    /^a worker has died at row \d+ of partition \d+\n4 workers have read 1000000 rows, the sum of their ids is 499999500000$/m,
  "own-rows.ts": /schema: part Int32, value Float64[\s\S]*part: 2, value: 0.5/,
  "cancel.ts": /^stopped after \d+ rows; nothing of it runs on the server any more$/m,
};

const idsOfLines = (body: string) =>
  body
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).id as number);
const idsOfCsv = (body: string) =>
  body
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => Number.parseInt(line, 10));

describe("the examples", function () {
  this.timeout(600_000);

  const servers: Record<string, (body: string) => number[]> = {
    "http-ndjson.ts": idsOfLines,
    "http-express.ts": idsOfLines,
    "http-fastify.ts": idsOfCsv,
    "http-hono.ts": idsOfLines,
  };
  it("are all run here", async () => {
    const others = ["demo.ts", "stores", "http-arrow", "http-upload.ts", "from-postgres.ts", ...Object.keys(servers)];
    expect((await readdir(directory)).sort()).to.deep.equal(
      [...Object.keys(outputs).map((name) => name.split("/")[0]), ...others].sort(),
    );
  });

  for (const [name, idsOf] of Object.entries(servers)) {
    it(`${name} answers with rows, or with a status if the query fails, stops the job of a client who leaves, and ends`, async () => {
      const ui = await SparkUi.open();
      const example = await startExample(name, ui.server);
      try {
        const response = await fetch(`${example.url}?every=250000`);
        expect(response.headers.get("content-type")).to.match(/^(application\/x-ndjson|text\/csv)/);
        expect(idsOf(await response.text())).to.deep.equal([0, 250_000, 500_000, 750_000]);
        // A remainder by zero, at the first row: a status for this one, and rows for the next.
        const failed = await fetch(`${example.url}?every=0`);
        expect(failed.status).to.equal(400);
        expect(await failed.text()).to.contain("REMAINDER_BY_ZERO");
        expect((await fetch(`${example.url}?every=500000`)).status).to.equal(200);
        const leaver = new AbortController();
        const endless = await fetch(`${example.url}?rows=200000000&every=1`, { signal: leaver.signal });
        await endless.body!.getReader().read();
        expect(await ui.runningTasks()).to.be.above(0);
        leaver.abort();
        await until(async () => (await ui.runningTasks()) === 0, "the job has stopped");
        expect((await fetch(`${example.url}?every=500000`)).status).to.equal(200);
      } finally {
        await example[Symbol.asyncDispose]();
      }
      expect(example.child.exitCode).to.equal(0);
    });
  }

  it("http-upload.ts writes what it is sent, whole or not at all, and says what is wrong with it", async () => {
    const ui = await SparkUi.open();
    const spark = await ui.connect();
    await spark.execute("DROP TABLE IF EXISTS events");
    const example = await startExample("http-upload.ts", ui.server);
    const put = (body: RequestInit["body"], options: RequestInit = {}) =>
      fetch(example.url, { method: "PUT", body, duplex: "half", ...options } as RequestInit);
    const count = async () => {
      await spark.catalog.refreshTable("events");
      return await spark.table("events").count();
    };
    try {
      const lines = Array.from({ length: 5_000 }, (_, id) => `${JSON.stringify({ id, name: `n${id}` })}\n`);
      const done = await put(lines.join(""));
      expect([done.status, await done.text()]).to.deep.equal([200, "5000 rows were written\n"]);
      const wrong = await put(`${lines.join("")}{"id": "x"}\n`);
      expect(wrong.status).to.equal(400);
      expect(await wrong.text()).to.match(/^Row 5000 does not fit: `id` must be .* not "x"\. Nothing was written\.\n$/);
      expect((await put("no JSON\n")).status).to.equal(400);
      const leaver = new AbortController();
      let sent = 0;
      async function* endless() {
        for (; !leaver.signal.aborted; sent++) {
          yield Buffer.from(lines.join(""));
          if (sent === 50) leaver.abort();
          await setImmediate();
        }
      }
      await put(ReadableStream.from(endless()), { signal: leaver.signal }).then(
        () => expect.fail("the client has left"),
        () => {},
      );
      await until(async () => (await ui.runningTasks()) === 0, "nothing runs");
      expect(await count()).to.equal(5_000);
    } finally {
      await example[Symbol.asyncDispose]();
      await spark.execute("DROP TABLE IF EXISTS events");
      await spark.close();
    }
    expect(example.child.exitCode).to.equal(0);
  });

  it("from-postgres.ts copies a table of Postgres, exactly", async () => {
    const [{ PGlite }, { PGLiteSocketServer }] = await Promise.all([
      import("@electric-sql/pglite"),
      import("@electric-sql/pglite-socket"),
    ]);
    const database = await PGlite.create();
    await database.exec(`CREATE TABLE orders AS SELECT 9007199254740993 + i AS id, CASE WHEN i % 3 > 0 THEN 'item ' || i END AS item,
      i % 2 = 0 AS paid, (i / 100.0)::numeric(10, 2) AS price, timestamptz '2026-01-02 03:04:05.678901Z' + i * interval '1 s' AS at
      FROM generate_series(0, 24999) AS i`);
    const server = new PGLiteSocketServer({ db: database, port: 0, host: "127.0.0.1" });
    await server.start();
    const { url, token } = await sparkServer();
    const spark = await sparkSession();
    try {
      const address = server.getServerConn();
      const env = {
        ...process.env,
        SPARK_REMOTE: `${url}/;token=${token}`,
        DATABASE_URL: `postgres://postgres@${address}/postgres`,
      };
      const args = ["--import", "tsx", join(directory, "from-postgres.ts"), "pg_orders"];
      const { stdout } = await run(process.execPath, args, { cwd: resolve(directory, ".."), env, timeout: 120_000 });
      expect(stdout).to.equal("25000 rows are in pg_orders\n");
      const sums = ["count(*) rows", "min(id) least", "sum(price) price", "count(item) items", "max(at) last"];
      expect(
        await spark
          .table("pg_orders")
          .agg(...sums)
          .first({ json: true }),
      ).to.deep.equal({
        rows: 25_000,
        least: "9007199254740993",
        price: "3124875.00",
        items: 16_666,
        last: "2026-01-02T10:00:44.678901Z",
      });
    } finally {
      await spark.execute("DROP TABLE IF EXISTS pg_orders");
      await spark.close();
      await server.stop();
      await database.close();
    }
  });

  for (const [name, output] of Object.entries(outputs)) {
    it(`${name} runs, does what it says, and exits by itself`, async () => {
      const { url, token } = await sparkServer();
      const work = temporaryDirectory("example");
      const { stdout } = await run(
        process.execPath,
        ["--import", "tsx", join(directory, name), name === "parallel-sinks.ts" ? work : join(work, "trips.parquet")],
        {
          cwd: resolve(directory, ".."),
          env: { ...process.env, SPARK_REMOTE: `${url}/;token=${token}` },
          timeout: 120_000,
        },
      );
      expect(stdout).to.match(output);
      if (name === "to-parquet.ts") expect((await stat(join(work, "trips.parquet"))).size).to.be.above(100_000);
    });
  }
});
