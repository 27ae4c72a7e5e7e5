// Which batch a task gets: one after the other, by demand, and again only if it was kept.
import { expect } from "chai";
import type { SparkStreamError } from "../../lib/errors.js";
import { Feed } from "../../lib/ingest/pull/feed.js";
import type { TaskFeed } from "../../lib/ingest/pull/task-feed.js";
import { until } from "../support/until.js";

/** A task as the feed sees it, and what it was sent. */
class Task {
  asked = 0;
  given = 0;
  ending = false;
  isOpen = true;
  begun = false;
  ended = false;
  refused: string | undefined;
  readonly got: string[] = [];
  readonly partition: number;
  readonly slot: number;
  readonly reader: string;

  constructor(slot: number, stage = 1, partition = slot) {
    this.partition = partition;
    this.slot = slot;
    this.reader = `${stage}.${partition}`;
  }

  begin(): void {
    this.begun = true;
  }

  give(pieces: readonly Uint8Array[]): void {
    this.given++;
    this.got.push(Buffer.concat(pieces).toString());
  }

  end(): void {
    this.ended = true;
  }

  refuse(code: string, text: string): void {
    this.refused = `${code} ${text}`;
  }
}

const batch = (text: string) => ({ pieces: [Buffer.from(text)], size: text.length, rows: 1 });

describe("A feed", () => {
  function feedOf({ spool = false, limit = 100 } = {}) {
    const failures: SparkStreamError[] = [];
    const feed = new Feed({ limit, spool, idles: false }, (error) => failures.push(error));
    const task = (...args: ConstructorParameters<typeof Task>) => {
      const made = new Task(...args);
      feed.join(made as unknown as TaskFeed);
      return made;
    };
    const ask = (made: Task, times = 1) => {
      for (let time = 0; time < times; time++) feed.ask(made as unknown as TaskFeed);
    };
    const leave = (made: Task) => {
      made.isOpen = false;
      feed.leave(made as unknown as TaskFeed);
    };
    const finish = (made: Task) => {
      feed.finished(made as unknown as TaskFeed, made.got.length);
      leave(made);
    };
    return { feed, failures, task, ask, leave, finish };
  }

  it("gives each batch once, to the task that asks first, and the end to all", async () => {
    const { feed, failures, task, ask, finish } = feedOf();
    const [slow, fast] = [task(0), task(1)];
    ask(slow);
    ask(fast, 2);
    for (const text of ["a", "b", "c", "d"]) await feed.add(batch(text));
    ask(fast, 2);
    feed.end();
    expect([slow.got, fast.got]).to.deep.equal([["a"], ["b", "c", "d"]]);
    expect(feed.missing).to.equal("task 0 ended before it had given all of its rows to Spark");
    ask(slow);
    expect([slow.ended, fast.ended]).to.deep.equal([true, true]);
    finish(slow);
    finish(fast);
    expect(feed.missing).to.equal(undefined);
    expect(failures).to.deep.equal([]);
    await feed.close();
  });

  it("has the source wait by bytes, until tasks have asked", async () => {
    const { feed, task, ask } = feedOf({ limit: 2 });
    await feed.add(batch("a"));
    let room = false;
    const added = feed.add(batch("b")).then(() => {
      room = true;
    });
    const one = task(0);
    await new Promise(setImmediate);
    expect(room).to.equal(false);
    ask(one);
    await added;
    await feed.close();
  });

  it("has a speculative twin wait, which gets nothing if the first has finished", async () => {
    const { feed, failures, task, ask, finish } = feedOf();
    const [first, twin] = [task(0), task(0)];
    ask(first, 2);
    await feed.add(batch("a"));
    feed.end();
    finish(first);
    expect([first.got, twin.begun, twin.got]).to.deep.equal([["a"], false, []]);
    expect(feed.missing).to.equal(undefined);
    expect(failures).to.deep.equal([]);
    await feed.close();
  });

  it("fails if a task fails that took rows, and goes on if it took none", async () => {
    const { feed, failures, task, ask, leave } = feedOf();
    const early = task(0);
    ask(early);
    leave(early);
    const again = task(0);
    expect(again.begun).to.equal(true);
    ask(again);
    await feed.add(batch("a"));
    leave(again);
    const late = task(0);
    expect(failures.map(({ code }) => code)).to.deep.equal(["INPUT_LOST"]);
    expect(late.refused).to.match(/^INPUT_LOST Task 0 failed .* spool: true/);
    await feed.close();
  });

  it("gives another attempt the same batches, if they were kept, and then those that come", async () => {
    const { feed, failures, task, ask, leave, finish } = feedOf({ spool: true });
    const first = task(0);
    ask(first, 2);
    await feed.add(batch("a"));
    await feed.add(batch("b"));
    await until(() => first.got.length === 2, "both are given");
    leave(first);
    const second = task(0);
    ask(second, 4);
    await feed.add(batch("c"));
    feed.end();
    await until(() => second.ended, "it has all");
    expect(second.got).to.deep.equal(["a", "b", "c"]);
    finish(second);
    expect([feed.missing, failures]).to.deep.equal([undefined, []]);
    await feed.close();
  });

  it("refuses another reader of the same part, of another stage or another place in the plan", async () => {
    for (const [stage, partition] of [
      [2, 0],
      [1, 7],
    ] as const) {
      const { feed, failures, task, finish } = feedOf();
      const first = task(0);
      feed.end();
      finish(first);
      const other = task(0, stage, partition);
      expect(failures.map(({ code }) => code)).to.deep.equal(["INPUT_LOST"]);
      expect(other.refused).to.match(/^INPUT_LOST Spark reads the stream's rows a second time/);
      await feed.close();
    }
  });

  it("does not take less for all, of a task that counts fewer rows than it got", async () => {
    const { feed, failures, task, ask } = feedOf();
    const one = task(0);
    ask(one, 2);
    await feed.add(batch("a"));
    feed.end();
    feed.finished(one as unknown as TaskFeed, 0);
    expect(failures.map(({ code }) => code)).to.deep.equal(["INCOMPLETE_RESULT"]);
    await feed.close();
  });
});
