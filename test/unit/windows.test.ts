import { expect } from "chai";
import { type StagedPartition, sharesOf, windowsOf } from "../../lib/delivery/staged/partition-windows.js";

const partitions = (...bytes: number[]): StagedPartition[] =>
  bytes.map((size, id) => ({ id, rows: size, bytes: size }));
const ids = (groups: readonly (readonly StagedPartition[])[]) => groups.map((group) => group.map(({ id }) => id));

describe("The windows of a staged frame", () => {
  it("hold partitions in order, as many as the budget has room for", () => {
    expect(ids(windowsOf(partitions(40, 30, 30, 10, 90, 5, 5), 100))).to.deep.equal([
      [0, 1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  it("are one partition where that alone is over the budget", () => {
    expect(ids(windowsOf(partitions(10, 500, 10, 10), 100))).to.deep.equal([[0], [1], [2, 3]]);
  });

  it("are no more partitions than one query may read", () => {
    expect(ids(windowsOf(partitions(1, 1, 1, 1, 1), 100, 2))).to.deep.equal([[0, 1], [2, 3], [4]]);
  });

  it("are few for many small partitions, and none for no partition", () => {
    expect(windowsOf(partitions(...Array(200).fill(1)), 100)).to.have.length(2);
    expect(windowsOf([], 100)).to.deep.equal([]);
  });
});

describe("The shares of split streams", () => {
  it("hold partitions in order and are of about the same bytes", () => {
    expect(ids(sharesOf(partitions(10, 10, 10, 10, 40, 40), 3))).to.deep.equal([[0, 1, 2, 3], [4], [5]]);
  });

  it("hold each partition once, whatever their number and sizes", () => {
    for (const count of [1, 2, 3, 7]) {
      for (const sizes of [[], [5], [0, 0, 0], [1, 1000, 1], Array(50).fill(3)]) {
        const shares = sharesOf(partitions(...sizes), count);
        expect(shares).to.have.length(count);
        expect(ids(shares).flat(), `${count} of ${sizes}`).to.deep.equal(sizes.map((_, id) => id));
      }
    }
  });
});
