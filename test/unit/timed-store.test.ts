import { expect } from "chai";
import { SparkStreamError } from "../../lib/index.js";
import { openStore } from "../../lib/store/open-store.js";
import type { Store } from "../../lib/store/store.js";
import { MemoryStore } from "../support/memory-store.js";
import { still, until } from "../support/until.js";

const never = new Promise<never>(() => {});
const open = (methods: Partial<Store>) => openStore(Object.assign(new MemoryStore(), { timeoutMs: 20 }, methods));
const range = { start: 0, end: 10, signal: new AbortController().signal };

const errorOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.fail("should have failed"),
    (error) => error,
  );

async function bytesOf(store: Store, signal = range.signal): Promise<number> {
  let bytes = 0;
  for await (const chunk of await store.open("d/f", { ...range, signal })) bytes += chunk.length;
  return bytes;
}

// A store whose server kept the connection and sent nothing held a stream up for ever, and without an error.
describe("A store whose calls stall", () => {
  it("fails a read that sends nothing any more, and stops it", async () => {
    const memory = new MemoryStore();
    memory.timeoutMs = 20;
    memory.add("d/f", Buffer.alloc(10), 1);
    memory.faultOf = () => ({ after: 4, do: "hang" });
    const error = await errorOf(bytesOf(await openStore(memory)));
    expect(error.message).to.equal("the store has sent nothing for 0.02 s");
    await until(() => memory.openReads === 0, "the read has ended");
  });

  it("fails a read that is never opened, or whose store heeds no signal", async () => {
    expect((await errorOf(bytesOf(await open({ open: () => never })))).message).to.include("sent nothing");
    async function* silent() {
      yield Buffer.alloc(1);
      await never;
    }
    expect((await errorOf(bytesOf(await open({ open: silent })))).message).to.include("sent nothing");
  });

  it("gives a reader all the time that it wants between two chunks", async () => {
    const memory = new MemoryStore();
    Object.assign(memory, { timeoutMs: 5, chunkBytes: 5 });
    memory.add("d/f", Buffer.alloc(10), 1);
    const chunks = (await (await openStore(memory)).open("d/f", range))[Symbol.asyncIterator]();
    await chunks.next();
    await still(() => 0, 50); // longer than the store may take
    expect((await chunks.next()).value).to.have.length(5);
    expect((await chunks.next()).done).to.equal(true);
  });

  it("ends a read at its signal, whatever the store does", async () => {
    const stop = new AbortController();
    const error = errorOf(bytesOf(await open({ open: () => never, timeoutMs: 60_000 }), stop.signal));
    stop.abort();
    expect(await error).to.include({ name: "AbortError" });
  });

  const calls = {
    list: (store: Store) => store.list(),
    remove: (store: Store) => store.remove("d"),
    create: (store: Store) => store.create!("d"),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(`repeats ${name}() until it succeeds`, async () => {
      let count = 0;
      const answer = () => (++count < 3 ? Promise.reject(new Error("busy")) : Promise.resolve(["x"]));
      await call(await open({ [name]: answer, timeoutMs: 10_000 }));
      expect(count).to.equal(3);
    });

    it(`gives up ${name}() that never answers`, async () => {
      const error = await errorOf(call(await open({ [name]: () => never, timeoutMs: 1 })));
      expect(error.message).to.match(/^the store has (listed|removed|made) nothing for 0.0[02]1? s$/);
    });

    it(`does not repeat ${name}() after a final error`, async () => {
      let count = 0;
      const refuse = async () => {
        count++;
        throw new SparkStreamError("STORE_FAILED", "no");
      };
      expect(await errorOf(call(await open({ [name]: refuse })))).to.include({ code: "STORE_FAILED" });
      expect(count).to.equal(1);
    });
  }
});
