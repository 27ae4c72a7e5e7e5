import { expect } from "chai";
import { IpcDecoder } from "../../lib/chain/ipc-decoder.js";
import { ResultReport } from "../../lib/delivery/result/result-report.js";
import type { StoredFile } from "../../lib/delivery/stored/stored-file.js";
import { StoredShare, type StoredShareOptions } from "../../lib/delivery/stored/stored-share.js";
import { openStore } from "../../lib/store/open-store.js";
import { ROWS, streamOf } from "../support/int-streams.js";
import { MemoryStore } from "../support/memory-store.js";
import { errorOf } from "../support/scripted.js";
import { still, until } from "../support/until.js";

const upTo = (count: number, first = 0) => Array.from({ length: count }, (_, id) => first + id);

function shareOf(options: Partial<StoredShareOptions> = {}): StoredShare {
  return new StoredShare({
    limit: 100_000,
    order: "partition",
    report: new ResultReport(),
    onClose: async () => {},
    ...options,
  });
}

/** Partitions of four batches each, all of them added and ended. */
function filled(store: MemoryStore, share: StoredShare, partitions: number): StoredFile[] {
  const files = upTo(partitions).map((id) => {
    const file = store.add(`d/p${id}`, streamOf(4, id * 4 * ROWS), 4 * ROWS);
    share.add({ store, directory: "d" }, { id, files: [file] });
    return file;
  });
  share.end({ arrow_ipc_bytes: streamOf(0), rowCount: 0 });
  return files;
}

async function idsOf(share: StoredShare): Promise<number[]> {
  const decoder = new IpcDecoder();
  const ids: number[] = [];
  for (let row = await share.next(); row; row = await share.next()) {
    const batches = await decoder.decode(row);
    expect(batches.map(({ numRows }) => numRows)).to.deep.equal(row.rowCount === 0 ? [] : [row.rowCount]);
    for (const batch of batches) ids.push(...batch.getChildAt(0)!.toArray());
    share.released(row.arrow_ipc_bytes.length);
  }
  return ids;
}

describe("The share of a stored frame", () => {
  for (const chunkBytes of [1, 7, 1000, 1e6]) {
    it(`gives the rows of all files, in order, from chunks of ${chunkBytes} bytes`, async () => {
      const [store, share] = [new MemoryStore(), shareOf()];
      store.chunkBytes = chunkBytes;
      filled(store, share, 6);
      expect(await idsOf(share)).to.deep.equal(upTo(6 * 4 * ROWS));
      await share.close();
      expect(store.openReads).to.equal(0);
    });
  }

  it("gives its schema if it has no rows", async () => {
    const [store, share] = [new MemoryStore(), shareOf()];
    share.add({ store, directory: "d" }, { id: 0, files: [] });
    share.end({ arrow_ipc_bytes: streamOf(0), rowCount: 0 });
    expect(await idsOf(share)).to.deep.equal([]);
  });

  it("waits for files that are still to come", async () => {
    const [store, share] = [new MemoryStore(), shareOf()];
    const ids = idsOf(share);
    await still(() => 0, 20);
    filled(store, share, 2);
    expect(await ids).to.deep.equal(upTo(2 * 4 * ROWS));
  });

  it("holds no more than its limit, and a batch per open file, of a consumer that takes nothing", async () => {
    const store = new MemoryStore();
    const share = shareOf({ limit: 9000 });
    filled(store, share, 8);
    const first = await share.next();
    expect(first).to.have.property("partition", 0);
    expect(await still(() => store.bytesRead, 100), "of 70 KB").to.be.below(20_000);
    expect(store.reads.map(([path]) => path)).to.deep.equal(["d/p0", "d/p1", "d/p2", "d/p3"]);
    // The rest comes as soon as the chain has released what it holds.
    share.released(first!.arrow_ipc_bytes.length);
    expect(await idsOf(share)).to.deep.equal(upTo(8 * 4 * ROWS).slice(ROWS));
  });

  it("comes to its end within a limit of one byte", async () => {
    for (const order of ["partition", "arrival"] as const) {
      const [store, share] = [new MemoryStore(), shareOf({ limit: 1, order })];
      filled(store, share, 6);
      expect((await idsOf(share)).sort((a, b) => a - b)).to.deep.equal(upTo(6 * 4 * ROWS));
    }
  });

  it("gives other files meanwhile if one is slow and the order is that of arrival", async () => {
    const [store, share] = [new MemoryStore(), shareOf({ order: "arrival" })];
    store.faultOf = (path) => (path === "d/p0" ? { after: 1000, do: "hang" } : undefined);
    filled(store, share, 3);
    const partitions: (number | undefined)[] = [];
    for (let count = 0; count < 8; count++) {
      const row = await share.next();
      partitions.push(row?.partition);
      share.released(row!.arrow_ipc_bytes.length);
    }
    expect(partitions.sort()).to.deep.equal([1, 1, 1, 1, 2, 2, 2, 2]);
    await share.close();
    await until(() => store.openReads === 0, "the slow read has ended");
  });

  it("goes on where a read was cut, again and again as long as something comes", async () => {
    const [store, share] = [new MemoryStore(), shareOf()];
    store.faultOf = (_, read) => (read < 6 ? { after: 900, do: read % 2 ? "end" : "reset" } : undefined);
    filled(store, share, 2);
    expect(await idsOf(share)).to.deep.equal(upTo(2 * 4 * ROWS));
    const starts = store.reads.filter(([path]) => path === "d/p0").map(([, start]) => start);
    expect(starts).to.deep.equal(upTo(7).map((read) => read * 900));
  });

  it("goes on where a read stalled, of a store that is opened with a time-out", async () => {
    const [memory, share] = [new MemoryStore(), shareOf()];
    memory.timeoutMs = 20;
    memory.faultOf = (_, read) => (read < 2 ? { after: 900, do: "hang" } : undefined);
    const file = memory.add("d/p0", streamOf(4), 4 * ROWS);
    share.add({ store: await openStore(memory), directory: "d" }, { id: 0, files: [file] });
    share.end({ arrow_ipc_bytes: streamOf(0), rowCount: 0 });
    expect(await idsOf(share)).to.deep.equal(upTo(4 * ROWS));
    expect(memory.reads.map(([, start]) => start)).to.deep.equal([0, 900, 1800]);
    expect(memory.openReads).to.equal(0);
  });

  it("fails with STORE_FAILED if all attempts to read stall", async () => {
    const [memory, share] = [new MemoryStore(), shareOf()];
    memory.timeoutMs = 5;
    memory.faultOf = () => ({ after: 0, do: "hang" });
    const file = memory.add("d/p0", streamOf(4), 4 * ROWS);
    share.add({ store: await openStore(memory), directory: "d" }, { id: 0, files: [file] });
    const error = await errorOf(idsOf(share));
    expect(error).to.include({ code: "STORE_FAILED" });
    expect(error.message).to.equal("This process cannot read memory:test/d/p0: the store has sent nothing for 0.005 s");
  });

  const broken: Record<string, [code: string, message: RegExp, breakIt: (store: MemoryStore) => void]> = {
    "is gone": [
      "STORE_FAILED",
      /^This process cannot read memory:test\/d\/p1: no file/,
      ({ files }) => files.delete("d/p1"),
    ],
    "ends too early": [
      "INCOMPLETE_RESULT",
      /d\/p1 is not the file that its task wrote: it ends after \d+ of \d+ bytes/,
      ({ files }) => files.set("d/p1", files.get("d/p1")!.subarray(0, 5000)),
    ],
    "has another byte": [
      "INCOMPLETE_RESULT",
      /d\/p1 is not the file that its task wrote: its SHA-256 is another/,
      ({ files }) => {
        const bytes = files.get("d/p1")!;
        bytes[bytes.length - 100]! ^= 1;
      },
    ],
    "is another": [
      "INVALID_IPC",
      /./,
      ({ files }) =>
        files.set(
          "d/p1",
          files.get("d/p1")!.map((byte) => byte ^ 255),
        ),
    ],
    "has other rows than its task told": [
      "INCOMPLETE_RESULT",
      /d\/p1 is not the file that its task wrote: it has \d+ rows and not/,
      () => {},
    ],
  };
  for (const [what, [code, message, breakIt]] of Object.entries(broken)) {
    it(`fails if a file ${what}`, async () => {
      const [store, share] = [new MemoryStore(), shareOf()];
      const rows = what.includes("other rows") ? 1 : 4 * ROWS;
      const files = [store.add("d/p0", streamOf(4), 4 * ROWS), store.add("d/p1", streamOf(4), rows)];
      breakIt(store);
      for (const [id, file] of files.entries()) share.add({ store, directory: "d" }, { id, files: [file] });
      share.end({ arrow_ipc_bytes: streamOf(0), rowCount: 0 });
      const error = await errorOf(idsOf(share));
      expect(error).to.include({ code });
      expect(error.message).to.match(message);
      await share.close();
      expect(store.openReads).to.equal(0);
    });
  }

  it("ends its reads when it is closed", async () => {
    const [store, share] = [new MemoryStore(), shareOf()];
    store.faultOf = () => ({ after: 3000, do: "hang" });
    filled(store, share, 6);
    await share.next();
    await until(() => store.openReads === 4, "four reads");
    await share.close();
    await until(() => store.openReads === 0, "no read is left");
  });
});
