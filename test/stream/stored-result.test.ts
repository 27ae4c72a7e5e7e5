import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RecordBatch } from "apache-arrow";
import { tableFromIPC } from "apache-arrow";
import { expect } from "chai";
import { storedResult } from "../../lib/delivery/stored/stored-result.js";
import {
  arrowIpcBytes,
  batchInfo,
  removeResult,
  type StoredResult,
  type StoredResultOptions,
  sparkStream,
  splitSparkStream,
} from "../../lib/index.js";
import { newDirectory } from "../../lib/store/stream-directory.js";
import { ROWS, streamOf } from "../support/int-streams.js";
import { MemoryStore } from "../support/memory-store.js";
import { errorOf } from "../support/scripted.js";

const upTo = (count: number, first = 0) => Array.from({ length: count }, (_, id) => first + id);

async function idsOf(stream: AsyncIterable<RecordBatch>): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of stream) ids.push(...batch.getChildAt(0)!.toArray());
  return ids;
}

/** Batches of each file of each partition. */
const layout = [[2, 1], [1], [], [3, 2], [2]];
const perPartition = layout.map((files) => files.reduce((sum, batches) => sum + batches * ROWS, 0));
const firstOf = (partition: number) => perPartition.slice(0, partition).reduce((sum, rows) => sum + rows, 0);
const total = firstOf(layout.length);

describe("A stored result", () => {
  const uri = "memory:test";
  let store: MemoryStore;
  let result: StoredResult;

  beforeEach(() => {
    store = new MemoryStore();
    const directory = newDirectory(true);
    let first = 0;
    const partitions = layout.map((files, id) => ({
      id,
      files: files.map((batches, index) => {
        const file = store.add(`${directory}/p${id}-${index}.arrow`, streamOf(batches, first), batches * ROWS);
        first += batches * ROWS;
        return file;
      }),
    }));
    // As it comes from another process.
    result = JSON.parse(JSON.stringify(storedResult(uri, directory, streamOf(0), partitions)));
  });

  const read = (options: StoredResultOptions = {}) => idsOf(sparkStream(result, { store, ...options }));

  it("says how many rows and bytes it has", () => {
    expect(result.rows).to.equal(total);
    expect(result.partitions.map(({ rows }) => rows)).to.deep.equal(perPartition);
    expect(result.bytes).to.equal([...store.files.values()].reduce((sum, { length }) => sum + length, 0));
  });

  it("is read whole, in order, as often as one likes, as batches and as bytes", async () => {
    expect(await read()).to.deep.equal(upTo(total));
    expect(await read({ readAheadBytes: 1 })).to.deep.equal(upTo(total));
    const bytes = Buffer.concat(await arrowIpcBytes(result, { store }).toArray());
    expect([...tableFromIPC(bytes).getChildAt(0)!.toArray()]).to.deep.equal(upTo(total));
  });

  it("is read by partitions, and a partition without rows still has the schema", async () => {
    expect(await read({ partitions: [3] })).to.deep.equal(upTo(perPartition[3]!, firstOf(3)));
    expect(await read({ partitions: [4, 0] })).to.deep.equal([...upTo(1500), ...upTo(1000, firstOf(4))]);
    const stream = sparkStream(result, { store, partitions: [2] });
    expect(await idsOf(stream)).to.deep.equal([]);
    expect((await stream.schema).fields.map(({ name }) => name)).to.deep.equal(["id"]);
  });

  it("goes on behind any row, and reads only the files from there on", async () => {
    for (const row of [0, 1, 499, 500, 501, 1499, 1500, 1501, 2499, 2500]) {
      store.reads.length = 0;
      expect(await read({ from: { partition: 3, row } }), `${row}`).to.deep.equal(
        upTo(total - firstOf(3) - row, firstOf(3) + row),
      );
      const files = store.reads.map(([path]) => path.replace(/^.*\//, ""));
      const expected = ["p3-0.arrow", "p3-1.arrow", "p4-0.arrow"].slice(row >= 2500 ? 2 : row >= 1500 ? 1 : 0);
      expect(files, `${row}`).to.deep.equal(expected);
    }
    expect(await read({ partitions: [1, 3], from: { partition: 3, row: 2000 } })).to.have.length(500);
  });

  it("goes on exactly where a consumer stopped that counted the rows of a partition", async () => {
    const ids: number[] = [];
    let at = { partition: 0, row: 0 };
    for (let runs = 0; ids.length < total; runs++) {
      expect(runs).to.be.below(40);
      for await (const batch of sparkStream(result, { store, from: at })) {
        if (batch.numRows === 0) continue;
        const { partition } = batchInfo(batch)!;
        const row = partition === at.partition ? at.row : 0;
        const taken = Math.min(batch.numRows, 350); // it is killed in the middle of a batch
        ids.push(...batch.getChildAt(0)!.toArray().slice(0, taken));
        at = { partition: partition!, row: row + taken };
        break;
      }
    }
    expect(ids).to.deep.equal(upTo(total));
  });

  it("is split over streams", async () => {
    const parts = await Promise.all(splitSparkStream(result, 3, { store }).map(idsOf));
    expect(parts[1]).to.deep.equal([...upTo(500, firstOf(1)), ...upTo(1000, firstOf(4))]);
    expect(parts.flat().sort((a, b) => a - b)).to.deep.equal(upTo(total));
  });

  it("begins as bytes only where a batch begins", async () => {
    const whole = await arrowIpcBytes(result, { store, from: { partition: 4, row: 500 } }).toArray();
    expect([...tableFromIPC(Buffer.concat(whole)).getChildAt(0)!.toArray()]).to.deep.equal(upTo(500, firstOf(4) + 500));
    const error = await errorOf(arrowIpcBytes(result, { store, from: { partition: 4, row: 501 } }).toArray());
    expect(error).to.include({ code: "UNSUPPORTED" });
  });

  it("is refused at the call if it was changed, cut, or is of another version", () => {
    const changed: Record<string, unknown> = {
      rows: { ...result, rows: 1 },
      "a partition less": { ...result, partitions: result.partitions.slice(1) },
      "no partitions": { ...result, partitions: undefined },
      directory: { ...result, directory: "../elsewhere" },
      sha256: { ...result, sha256: "" },
      version: { ...result, version: 2 },
    };
    for (const [what, each] of Object.entries(changed)) {
      expect(() => sparkStream(each as StoredResult, { store }), what)
        .to.throw(what === "version" ? "it has version 2, and this package reads version 1" : "it was changed")
        .with.property("code", "INVALID_INPUT");
    }
  });

  it("is refused at the call with partitions or rows that it does not have, and options of queries", () => {
    const wrong: Record<string, [StoredResultOptions, string]> = {
      partition: [{ partitions: [5] }, "There is no partition 5: the result has 5 partitions."],
      "start partition": [{ from: { partition: 7, row: 0 } }, "There is no partition 7"],
      row: [{ from: { partition: 1, row: 501 } }, "partition 1, which has 500 rows"],
      "start that is left out": [{ partitions: [1], from: { partition: 3, row: 0 } }, "not among the"],
      delivery: [{ delivery: "push" } as object, 'Unknown option "delivery"'],
      uri: [{ store: undefined }, 'The store "memory:test" is not known'],
    };
    for (const [what, [options, message]] of Object.entries(wrong)) {
      expect(() => sparkStream(result, { store, ...options }), what)
        .to.throw(message)
        .with.property("code", "INVALID_ARGUMENT");
    }
  });

  it("of which a file was removed fails with a typed error", async () => {
    store.files.delete([...store.files.keys()][1]!);
    expect(await errorOf(read())).to.include({ code: "STORE_FAILED" });
  });

  it("is removed, once or twice", async () => {
    await removeResult(result, { store });
    expect([...store.files]).to.deep.equal([]);
    await removeResult(result, { store });
    const error = await errorOf(removeResult({ ...result, directory: "spark" }, { store }));
    expect(error).to.include({ code: "INVALID_INPUT" });
  });

  it("in a directory needs no more than its URI", async () => {
    const path = await mkdtemp(join(tmpdir(), "spark-arrow-stream-result-"));
    const directory = newDirectory(true);
    await mkdir(join(path, directory));
    const file = store.add("x", streamOf(3), 3 * ROWS);
    await writeFile(join(path, directory, "x"), store.files.get("x")!);
    const own = storedResult(pathToFileURL(path).href, directory, streamOf(0), [{ id: 0, files: [file] }]);
    expect(await idsOf(sparkStream(own))).to.deep.equal(upTo(3 * ROWS));
    await removeResult(own);
    expect(await errorOf(sparkStream(own).toArray())).to.include({ code: "STORE_FAILED" });
    await rm(path, { recursive: true });
  });
});
