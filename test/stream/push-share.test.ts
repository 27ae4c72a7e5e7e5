import { expect } from "chai";
import type { ArrowIpcRow } from "../../lib/chain/arrow-ipc-row.js";
import type { QueuedPartition } from "../../lib/delivery/push/queued-partition.js";
import { Share, type ShareOptions } from "../../lib/delivery/push/share.js";
import { relieveStarvation } from "../../lib/delivery/push/starvation.js";
import { TaskConnection } from "../../lib/delivery/push/task-connection.js";
import { ResultReport } from "../../lib/delivery/result/result-report.js";
import { TaskListener } from "../../lib/tasks/listener.js";
import { Secret } from "../../lib/tasks/proof.js";
import { PushTask, taskMessage, totalsOf } from "../support/push-task.js";
import { reaches, turns, until, within } from "../support/until.js";

const ROWS = 10;
const SIZE = 1000;
/** So many batches of SIZE bytes, each of them another one. */
const batchesOf = (partition: number, count: number) =>
  Array.from({ length: count }, (_, index) => Buffer.alloc(SIZE, `${partition}/${index} `));

/** A share, with a listener before it and tasks in Node that send to it. */
async function sharing(options: Partial<ShareOptions> = {}) {
  const count = options.count ?? 1;
  const shares = Array.from(
    { length: count },
    (_, index) =>
      new Share({
        limit: 4 * SIZE,
        order: "arrival",
        spool: false,
        report: new ResultReport(),
        onClose: async () => {},
        ...options,
        count,
        index,
      }),
  );
  const partitions = new Map<number, QueuedPartition>();
  const failures: unknown[] = [];
  const secret = new Secret();
  const listener = await TaskListener.open({
    host: "127.0.0.1",
    port: 0,
    secret,
    certificate: undefined,
    option: "push",
    onTask({ partition: id, attempt }, socket, reader) {
      const share = shares[id % count]!;
      const partition = partitions.get(id) ?? share.add(id);
      partitions.set(id, partition);
      new TaskConnection(attempt, socket, reader).serve(partition, share).catch((error) => failures.push(error));
    },
  });
  const peer = { port: listener.port, secret: secret.hex };
  const timer = setInterval(() => relieveStarvation(shares), 50);
  return {
    share: shares[0]!,
    shares,
    failures,
    task: (id: number, attempt = 0) => PushTask.proven(peer, id, attempt),
    /** A task, from beginning to end; what Node said at the end. */
    async run(id: number, batches: number, attempt = 0): Promise<string> {
      using task = await PushTask.proven(peer, id, attempt);
      return (await task.send(batchesOf(id, batches), ROWS)).op;
    },
    received: (id: number) => partitions.get(id)?.state.totals.batches ?? 0,
    /** Batches of all partitions. */
    receivedInAll: () => [...partitions.values()].reduce((sum, { state }) => sum + state.totals.batches, 0),
    end() {
      for (const share of shares) share.end({ arrow_ipc_bytes: Buffer.from("schema"), rowCount: 0 });
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await Promise.all(shares.map((share) => share.close()));
      await listener.close();
    },
  };
}

/** All rows of a share, as `partition/batch`; the chain lets go of each at once. */
async function drained(share: Share): Promise<string[]> {
  const found: string[] = [];
  for (let row = await share.next(); row; row = await share.next()) {
    found.push(nameOf(row));
    share.released(row.arrow_ipc_bytes.length);
  }
  return found;
}

const nameOf = ({ arrow_ipc_bytes }: ArrowIpcRow) =>
  Buffer.from(arrow_ipc_bytes).toString("latin1", 0, 20).split(" ")[0]!;
const named = (id: number, count: number) => Array.from({ length: count }, (_, index) => `${id}/${index}`);

describe("A share of a pushed stream", () => {
  it("has all batches of all partitions, each with its partition and its rows, and then the end", async () => {
    await using place = await sharing();
    const rows = drained(place.share);
    expect(await Promise.all([place.run(0, 6), place.run(1, 6)])).to.deep.equal(["A", "A"]);
    place.end();
    expect((await rows).sort()).to.deep.equal([...named(0, 6), ...named(1, 6)]);
  });

  it("labels what it hands on", async () => {
    await using place = await sharing();
    void place.run(5, 1);
    expect(await place.share.next()).to.include({ partition: 5, rowCount: ROWS, owned: true });
  });

  it("has a schema to tell where no partition has a batch, and no more than that", async () => {
    await using place = await sharing();
    expect(await place.run(0, 0)).to.equal("A");
    place.end();
    expect(await drained(place.share)).to.deep.equal(["schema"]);
  });

  it("takes no more than its limit and one batch, however many tasks send", async () => {
    await using place = await sharing();
    const running = [0, 1, 2].map((id) => place.run(id, 10));
    await reaches(place.receivedInAll, 4, "batches");
    const [first, second] = [await place.share.next(), await place.share.next()];
    await turns();
    expect(place.receivedInAll(), "what the chain holds counts").to.equal(4);
    for (const row of [first, second]) place.share.released(row!.arrow_ipc_bytes.length);
    await reaches(place.receivedInAll, 6, "batches");
    void drained(place.share);
    expect(await Promise.all(running)).to.deep.equal(["A", "A", "A"]);
  });

  it("gives all tasks the same share of what room there is", async () => {
    await using place = await sharing({ limit: 1 });
    const tasks = await Promise.all([0, 1, 2].map((id) => place.task(id)));
    for (const [id, task] of tasks.entries()) void task.send(batchesOf(id, 20), ROWS).catch(() => {});
    for (let count = 1; count <= 15; count++) {
      await reaches(place.receivedInAll, count, "batches");
      const row = await place.share.next();
      place.share.released(row!.arrow_ipc_bytes.length);
    }
    await reaches(place.receivedInAll, 16, "batches");
    for (const id of [0, 1, 2]) expect(place.received(id), `${id}`).to.be.within(4, 7);
  });

  it("doubles and loses nothing where a task is cut off at any byte and tried again", async () => {
    await using place = await sharing();
    const rows = drained(place.share);
    const whole = batchesOf(0, 5);
    for (const [attempt, bytes] of [3, 70, 1061, 1062, 2500, 4000].entries()) {
      using task = await place.task(0, attempt);
      const here = (await task.heard()).payload.readUInt32BE();
      const pieces = whole
        .slice(here)
        .map((batch, index) => taskMessage("B", totalsOf(whole.slice(0, here + index + 1), ROWS), batch));
      if (here > 0) task.write(taskMessage("R", totalsOf(whole.slice(0, here), ROWS)));
      task.write(Buffer.concat(pieces).subarray(0, bytes));
      await turns(); // until it has been read
    }
    expect(await place.run(0, 5, 6)).to.equal("A");
    place.end();
    expect(await rows).to.deep.equal(named(0, 5));
    expect(place.failures).to.deep.equal([]);
  });

  it("says that a partition is not deterministic where another one comes the second time", async () => {
    await using place = await sharing();
    using task = await place.task(0);
    await task.heard();
    const [batch] = batchesOf(0, 1);
    task.write(taskMessage("B", totalsOf([batch!], ROWS), batch));
    expect(nameOf((await place.share.next())!)).to.equal("0/0");
    task.socket.destroy();
    using again = await place.task(0, 1);
    expect((await again.heard()).payload.readUInt32BE()).to.equal(1);
    again.write(taskMessage("R", totalsOf([Buffer.alloc(SIZE, "other")], ROWS)));
    await again.closed;
    await within(1000, () => expect(place.failures).to.have.length(1));
    expect(place.failures[0]).to.have.property("code", "NOT_DETERMINISTIC");
  });

  it("holds a partition back until it is whole, in a temporary file beyond its limit, and takes another one instead", async () => {
    await using place = await sharing({ spool: true, limit: 2 * SIZE });
    const rows = drained(place.share);
    {
      using task = await place.task(0);
      await task.heard();
      const others = batchesOf(9, 6);
      for (let count = 1; count <= 6; count++) {
        task.write(taskMessage("B", totalsOf(others.slice(0, count), ROWS), others[count - 1]));
      }
      await within(1000, () => expect(place.received(0)).to.equal(6));
    }
    await turns(); // until its end was noticed
    expect(await place.run(0, 8, 1)).to.equal("A");
    place.end();
    expect(await rows).to.deep.equal(named(0, 8));
  });

  it("takes no more partitions that are held back as long as whole ones wait", async () => {
    await using place = await sharing({ spool: true, limit: 2 * SIZE });
    expect(await place.run(0, 5)).to.equal("A");
    const second = place.run(1, 5);
    await until(() => place.share.firstBlocked?.id === 1, "the second one asks for room");
    await turns();
    expect(place.received(1)).to.equal(0);
    void drained(place.share);
    expect(await second).to.equal("A");
  });

  describe("in the order of partitions", () => {
    it("gives one partition after the other, whichever comes first", async () => {
      await using place = await sharing({ order: "partition", limit: 1000 * SIZE });
      const rows = drained(place.share);
      expect(await place.run(2, 3)).to.equal("A");
      expect(await place.run(1, 0)).to.equal("A");
      expect(await place.run(0, 3)).to.equal("A");
      place.end();
      expect(await rows).to.deep.equal([...named(0, 3), ...named(2, 3)]);
    });

    it("keeps half of its limit for the partition that is up", async () => {
      await using place = await sharing({ order: "partition" });
      void place.run(1, 10);
      await within(1000, () => expect(place.received(1)).to.equal(2));
      void place.run(0, 10);
      await within(1000, () => expect(place.received(0)).to.equal(2));
      await turns();
      expect([place.received(0), place.received(1)]).to.deep.equal([2, 2]);
    });

    it("comes to its end with one slot, though the first partition comes last", async () => {
      await using place = await sharing({ order: "partition" });
      const rows = drained(place.share);
      const oneAfterTheOther = async () => {
        for (const id of [2, 1, 0]) expect(await place.run(id, 20)).to.equal("A");
        place.end();
      };
      await Promise.all([oneAfterTheOther(), rows]);
      expect(await rows).to.deep.equal([0, 1, 2].flatMap((id) => named(id, 20)));
    });

    it("makes nobody go to a file as long as its consumer has something to do", async () => {
      await using place = await sharing({ order: "partition" });
      void place.run(2, 10);
      expect(await place.run(0, 1)).to.equal("A");
      const row = await place.share.next();
      void place.share.next(); // of partition 1, which nobody sends
      await until(() => place.share.firstBlocked?.id === 2, "partition 2 asks for room");
      expect(place.share.starvedMs, "the chain has a batch still").to.equal(0);
      place.share.released(row!.arrow_ipc_bytes.length);
      expect(place.share.starvedMs).to.be.above(0);
      await until(() => place.received(2) === 10, "all of partition 2 has come, into a file");
    });
  });

  describe("of several", () => {
    it("has partitions of its own", async () => {
      await using place = await sharing({ count: 2 });
      const rows = Promise.all(place.shares.map(drained));
      await Promise.all([0, 1, 2, 3, 4].map((id) => place.run(id, 2)));
      place.end();
      const [even, odd] = await rows;
      expect(even!.sort()).to.deep.equal([0, 2, 4].flatMap((id) => named(id, 2)));
      expect(odd!.sort()).to.deep.equal([1, 3].flatMap((id) => named(id, 2)));
    });

    it("comes to its end with one slot, though nobody reads the other one before", async () => {
      await using place = await sharing({ count: 2 });
      const first = drained(place.shares[0]!);
      for (const id of [0, 1, 2, 3]) expect(await place.run(id, 20)).to.equal("A");
      place.end();
      expect(await first).to.deep.equal([0, 2].flatMap((id) => named(id, 20)));
      expect((await drained(place.shares[1]!)).sort()).to.deep.equal([1, 3].flatMap((id) => named(id, 20)).sort());
    });

    it("has its tasks come to their end when it is closed, so that the others come to theirs", async () => {
      await using place = await sharing({ count: 2 });
      const closing = place.run(1, 20);
      await until(() => place.shares[1]!.firstBlocked?.id === 1, "it asks for room");
      await place.shares[1]!.close();
      expect(await closing).to.equal("A");
      expect(await place.run(3, 20)).to.equal("A");
    });
  });
});
