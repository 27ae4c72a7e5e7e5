// The examples of stores, with the vendors' own clients, on emulators. Tasks write to them by pyarrow.
import { once } from "node:events";
import type { RecordBatch } from "apache-arrow";
import { expect } from "chai";
import { azureStore } from "../../examples/stores/azure.js";
import { gcsStore } from "../../examples/stores/gcs.js";
import { removeResult, type SparkSession, type Store, sparkStream, storeResult } from "../../lib/index.js";
import { sparkSession } from "../support/spark.js";
import { type Emulator, startAzurite, startGcsEmulator } from "../support/store-emulators.js";

const master = "local[2,4]";

/** Starts an emulator. Resolves to it, and a store there. */
const stores: Record<string, () => Promise<[Emulator<unknown>, Store]>> = {
  "Azure Blob Storage": async () => {
    const emulator = await startAzurite();
    return [emulator, azureStore(emulator.place, "tmp/streams", emulator.filesystem)];
  },
  "Google Cloud Storage": async () => {
    const emulator = await startGcsEmulator();
    return [emulator, gcsStore(emulator.place, "tmp/streams", emulator.filesystem)];
  },
};

for (const [name, start] of Object.entries(stores)) {
  describe(`The example of a store in ${name}`, function () {
    this.timeout(120_000);
    let emulator: Emulator<unknown>;
    let store: Store;
    let spark: SparkSession;
    before(async function () {
      this.timeout(600_000); // the first start installs Spark and the emulator
      [[emulator, store], spark] = await Promise.all([start(), sparkSession({ master })]);
    });
    afterEach("nothing may be left", async () => {
      await spark.client.stopped();
      expect(await store.list()).to.deep.equal([]);
    });
    after(async () => {
      await spark?.close();
      await emulator?.[Symbol.asyncDispose]();
    });

    const idsOf = async (batches: AsyncIterable<RecordBatch>) => {
      const ids: number[] = [];
      for await (const batch of batches) ids.push(...[...batch.getChild("id")!].map(Number));
      return ids;
    };
    const frame = () => spark.sql("SELECT id, sha2(CAST(id AS STRING), 512) AS text FROM range(0, 200000, 1, 6)");

    it("gives all rows in order", async () => {
      const ids = await idsOf(sparkStream(frame(), { delivery: "stored", store }));
      expect(ids).to.have.length(200_000);
      expect(ids.every((id, index) => id === index)).to.equal(true);
    });

    it("leaves nothing when the stream is destroyed", async () => {
      const stream = sparkStream(frame(), { delivery: "stored", store, readAheadBytes: 1 });
      await once(stream, "readable");
      stream.destroy();
      await once(stream, "close");
    });

    it("keeps a result until it is removed", async () => {
      const result = await storeResult(frame(), { store });
      expect(await store.list()).to.deep.equal([result.directory]);
      expect((await idsOf(sparkStream(result, { store, from: { partition: 5, row: 10 } })))[0]).to.equal(166_676);
      await removeResult(result, { store });
    });
  });
}
