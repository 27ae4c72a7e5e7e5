import { expect } from "chai";
import { type Attempt, PushedPartition } from "../../lib/delivery/push/pushed-partition.js";
import { nothing } from "../../lib/delivery/push/totals.js";
import { SparkStreamError } from "../../lib/errors.js";
import { totalsOf } from "../support/push-task.js";

const ROWS = 10;
const batches = ["a", "bb", "ccc"].map((text) => Buffer.from(text));
const upTo = (count: number) => totalsOf(batches.slice(0, count), ROWS);

/** What an attempt is told. */
class Told implements Attempt {
  readonly number: number;
  readonly words: string[] = [];
  constructor(number: number) {
    this.number = number;
  }
  goOn(count: number): void {
    this.words.push(`go on behind ${count}`);
  }
}

describe("A pushed partition", () => {
  let forgotten: number;
  let partition: PushedPartition;
  const [first, second, third] = [0, 1, 2].map((number) => () => new Told(number)) as [
    () => Told,
    () => Told,
    () => Told,
  ];
  const send = (from: number, to: number) => {
    for (let count = from + 1; count <= to; count++) {
      expect(partition.isNext(upTo(count), batches[count - 1]!.length)).to.equal(true);
      expect(partition.take(upTo(count))).to.equal(ROWS);
    }
  };
  const isNotDeterministic = (run: () => unknown) =>
    expect(run).to.throw(SparkStreamError, "push: { spool: true }").with.property("code", "NOT_DETERMINISTIC");

  beforeEach(() => {
    forgotten = 0;
    partition = new PushedPartition(7, () => forgotten++);
  });

  it("is complete when its one attempt has sent all and says so", () => {
    const attempt = first();
    partition.join(attempt);
    send(0, 3);
    expect(partition.complete).to.equal(false);
    expect(partition.end(attempt, upTo(3))).to.equal(true);
    partition.leave(attempt);
    expect([attempt.words, [...partition.completeBy], partition.totals]).to.deep.equal([
      ["go on behind 0"],
      [0],
      upTo(3),
    ]);
  });

  it("may be empty", () => {
    const attempt = first();
    partition.join(attempt);
    expect(partition.end(attempt, nothing)).to.equal(true);
  });

  it("does not believe an end that names other totals than have come", () => {
    const attempt = first();
    partition.join(attempt);
    send(0, 2);
    expect(partition.end(attempt, upTo(3))).to.equal(false);
    expect(partition.complete).to.equal(false);
  });

  it("takes no batch but the next one, and none whose size or rows do not fit", () => {
    partition.join(first());
    send(0, 1);
    expect(partition.isNext(upTo(1), 1), "again").to.equal(false);
    expect(partition.isNext(upTo(3), 3), "after a gap").to.equal(false);
    expect(partition.isNext(upTo(2), 3), "of another size").to.equal(false);
    expect(partition.isNext({ ...upTo(2), rows: ROWS }, 2), "without rows").to.equal(false);
    expect(partition.isNext(upTo(2), 2)).to.equal(true);
    expect(partition.totals).to.deep.equal(upTo(1));
  });

  it("has a twin wait, and show that nothing is missing when the sender has gone", () => {
    const [sender, twin] = [first(), second()];
    partition.join(sender);
    partition.join(twin);
    send(0, 3);
    expect(twin.words).to.deep.equal([]);
    partition.end(sender, upTo(3));
    partition.leave(sender);
    expect(twin.words).to.deep.equal(["go on behind 3"]);
    expect(partition.resumed(upTo(3))).to.equal(true);
    expect(partition.end(twin, upTo(3))).to.equal(true);
    expect([...partition.completeBy]).to.deep.equal([0, 1]);
  });

  it("has a waiting twin go on behind what is here when the sender is gone", () => {
    const [sender, twin] = [first(), second()];
    partition.join(sender);
    partition.join(twin);
    send(0, 2);
    partition.markDelivered();
    partition.leave(sender);
    expect(twin.words).to.deep.equal(["go on behind 2"]);
    expect(partition.resumed(upTo(2))).to.equal(true);
    expect(partition.resumed(upTo(2)), "nobody asks a second time").to.equal(false);
    send(2, 3);
    expect(partition.end(twin, upTo(3))).to.equal(true);
    expect([[...partition.completeBy], forgotten]).to.deep.equal([[1], 0]);
  });

  it("passes over a twin that has gone meanwhile", () => {
    const [sender, gone, twin] = [first(), second(), third()];
    for (const attempt of [sender, gone, twin]) partition.join(attempt);
    partition.leave(gone);
    partition.leave(sender);
    expect([gone.words, twin.words]).to.deep.equal([[], ["go on behind 0"]]);
  });

  it("does not believe an attempt that ended with its executor: the next one shows that something was missing", () => {
    const [sender, late] = [first(), second()];
    partition.join(sender);
    send(0, 3);
    partition.end(sender, upTo(3));
    partition.leave(sender);
    partition.join(late);
    expect(late.words).to.deep.equal(["go on behind 3"]);
    expect(partition.resumed(upTo(3))).to.equal(true);
    expect(() => partition.isNext(upTo(4), 4))
      .to.throw(SparkStreamError)
      .with.property("code", "INCOMPLETE_RESULT");
  });

  it("begins anew where nothing was handed on, whatever the new attempt makes", () => {
    const [sender, retry] = [first(), second()];
    partition.join(sender);
    send(0, 2);
    partition.leave(sender);
    partition.join(retry);
    expect([retry.words, forgotten, partition.totals]).to.deep.equal([["go on behind 0"], 1, nothing]);
    expect(partition.isNext({ rows: 1, batches: 1, bytes: 5, digest: "00" }, 5)).to.equal(true);
  });

  describe("of which some was handed on, computed anew", () => {
    let retry: Told;
    beforeEach(() => {
      const sender = first();
      partition.join(sender);
      send(0, 2);
      partition.markDelivered();
      partition.leave(sender);
      retry = second();
      partition.join(retry);
      expect(retry.words).to.deep.equal(["go on behind 2"]);
    });

    it("fails where other values come out", () => {
      isNotDeterministic(() => partition.resumed({ ...upTo(2), digest: "00" }));
    });
    it("fails where as many rows come in other batches", () => {
      isNotDeterministic(() => partition.resumed({ ...upTo(2), rows: 19 }));
    });
    it("fails where it ends sooner", () => {
      isNotDeterministic(() => partition.end(retry, upTo(1)));
    });
    it("fails where the attempt does not show what it begins with", () => {
      isNotDeterministic(() => partition.isNext(upTo(3), 3));
    });
  });
});
