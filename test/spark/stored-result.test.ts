// storeResult(): a result that stays in a directory, and is read by other processes, which know no Spark.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import {
  type ResultPosition,
  removeResult,
  type SparkSession,
  type StoredResult,
  sparkStream,
  storeResult,
} from "../../lib/index.js";
import { errorOf } from "../support/scripted.js";
import { sparkSession } from "../support/spark.js";
import { ownTimeOf, until } from "../support/until.js";

const master = "local[2,4]";
const program = resolve(import.meta.dirname, "../support/result-reader.ts");

const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);

async function idsOf(batches: AsyncIterable<RecordBatch>): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of batches) {
    for (const id of batch.getChildAt(0)!.toArray() as BigInt64Array) ids.push(Number(id));
  }
  return ids;
}

interface Line {
  readonly at: ResultPosition;
  readonly ids: readonly number[];
}

/** A worker that reads some partitions; `lines` is what it has reported. */
function worker(manifest: string, partitions: readonly number[], from: ResultPosition | null, pace = 0) {
  const args = ["--import", "tsx", program, manifest, JSON.stringify(partitions), JSON.stringify(from), String(pace)];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines: Line[] = [];
  createInterface(child.stdout!).on("line", (line) => lines.push(JSON.parse(line)));
  return { child, lines, ended: once(child, "close") };
}

describe("storeResult() on a real Spark", function () {
  this.timeout(120_000);
  let spark: SparkSession;
  let directory: string;
  let store: { uri: string };

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession({ master });
    directory = await mkdtemp(join(tmpdir(), "spark-arrow-stream-results-"));
    store = { uri: pathToFileURL(directory).href };
  });
  afterEach("nothing may be left on the server or in the store", async () => {
    await spark.client.stopped();
    expect(await spark.interruptAll()).to.deep.equal([]);
    expect(await readdir(directory)).to.deep.equal([]);
  });
  after(async () => {
    await spark?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("stores a result that is read without the session that made it", async () => {
    const own = await sparkSession({ master });
    const result = await storeResult(own.range(0, 20_000, 1, 4).select("id", "'x' AS x"), { store });
    await own.close();
    expect(result).to.include({ rows: 20_000 });
    expect(result.partitions.map(({ id, rows }) => [id, rows])).to.deep.equal(upTo(4).map((id) => [id, 5000]));
    const again: StoredResult = JSON.parse(JSON.stringify(result));
    const stream = sparkStream(again);
    expect(await idsOf(stream)).to.deep.equal(upTo(20_000));
    expect((await stream.schema).fields.map(({ name }) => name)).to.deep.equal(["id", "x"]);
    await removeResult(again);
  });

  it("is shared out over processes, and the share of one that is killed is taken over behind its last row", async () => {
    const result = await storeResult(spark.range(0, 40_000, 1, 8), { store, maxRecordsPerBatch: 500 });
    const manifest = join(tmpdir(), `manifest-${process.pid}.json`);
    await writeFile(manifest, JSON.stringify(result));
    const shares = [0, 1].map((index) => result.partitions.map(({ id }) => id).filter((id) => id % 2 === index));
    const [first, second] = [worker(manifest, shares[0]!, null, 20), worker(manifest, shares[1]!, null)];
    await until(() => first.lines.length >= 13, "a part of the first share");
    first.child.kill("SIGKILL");
    await Promise.all([first.ended, second.ended]);
    const { at } = first.lines.at(-1)!;
    expect(first.lines.length, "killed before its end").to.be.below(40);
    const heir = worker(
      manifest,
      shares[0]!.filter((id) => id >= at.partition),
      at,
    );
    await heir.ended;
    const ids = [...first.lines, ...heir.lines, ...second.lines].flatMap((line) => line.ids);
    expect(ids).to.have.length(40_000);
    expect(ids.sort((a, b) => a - b)).to.deep.equal(upTo(40_000));
    await removeResult(result);
    await rm(manifest);
  });

  it("leaves nothing if the query fails, or is aborted", async () => {
    const failing = spark.sql("SELECT id, assert_true(id < 5000) FROM range(0, 6000, 1, 6)");
    expect(await errorOf(storeResult(failing, { store }))).to.include({ code: "QUERY_FAILED" });
    const stop = new AbortController();
    const many = spark.sql("SELECT id, repeat('x', 90) AS text FROM range(0, 20000000, 1, 8)");
    const storing = storeResult(many, { store, signal: stop.signal });
    const aborted = storing.catch((error: unknown) => error);
    await until(async () => (await readdir(directory)).length > 0, "a directory");
    stop.abort();
    expect(await ownTimeOf(aborted)).to.be.below(2000);
    expect(await aborted).to.include({ name: "AbortError" });
  });

  it("ends with its session", async () => {
    const own = await sparkSession({ master });
    const many = own.sql("SELECT id, repeat('x', 90) AS text FROM range(0, 20000000, 1, 8)");
    const failed = errorOf(storeResult(many, { store }));
    await until(async () => (await readdir(directory)).length > 0, "a directory");
    await own.close();
    expect(await failed).to.include({ code: "SESSION_CLOSED" });
  });

  it("checks its arguments", async () => {
    expect(await errorOf(storeResult(spark.range(1), {} as never))).to.include({ code: "INVALID_ARGUMENT" });
    expect(await errorOf(storeResult(spark.range(1), { store: { uri: "ftp://x" } }))).to.include({
      code: "INVALID_ARGUMENT",
    });
    expect(await errorOf(storeResult([] as never, { store }))).to.include({ code: "INVALID_INPUT" });
  });
});
