import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "chai";
import type { BodyCodec } from "../../lib/arrow/codec/body-codec.js";
import { withPauses } from "../../lib/arrow/codec/pausing-codec.js";
import { afterTurn, Pace, turn, turnIsDue } from "../../lib/runtime/event-loop.js";
import { observed, withClock } from "../support/turns.js";

describe("A turn of the event loop", () => {
  beforeEach(() => nextTurn()); // begins with a turn that has had no work

  it("is due after 10 ms of work, whoever worked, and not again after it", async () => {
    await withClock(async (clock) => {
      expect(turnIsDue()).to.equal(false);
      clock.ms += 9.9;
      expect(turnIsDue()).to.equal(false);
      clock.ms += 0.1;
      expect(turnIsDue()).to.equal(true);
      await turn();
      expect(turnIsDue()).to.equal(false);
    });
  });

  it("goes to those that wait, one after the other", async () => {
    const steps = { a: 0, b: 0, c: 0 };
    let ahead = 0;
    await withClock(async (clock) => {
      const worker = async (name: keyof typeof steps) => {
        while (steps[name] < 20) {
          if (turnIsDue()) await turn();
          steps[name]++;
          ahead = Math.max(ahead, steps[name] - Math.min(...Object.values(steps)));
          clock.ms += 10;
        }
      };
      await Promise.all([worker("a"), worker("b"), worker("c")]);
    });
    expect(ahead).to.be.at.most(3); // of 20
  });

  it("keeps the asynchronous context of whoever waits", async () => {
    const storage = new AsyncLocalStorage<string>();
    const contexts = await Promise.all(
      ["a", "b"].map((name) =>
        storage.run(name, () => new Promise((resolve) => afterTurn(() => resolve(storage.getStore())))),
      ),
    );
    expect(contexts).to.deep.equal(["a", "b"]);
  });

  it("is not looked for more often than every 32nd time while steps are quick, and each time while they are slow", async () => {
    await withClock(async (clock) => {
      let looks = 0;
      const now = () => {
        looks++;
        return clock.ms;
      };
      Object.defineProperty(performance, "now", { configurable: true, value: now });
      const pace = new Pace();
      for (let step = 0; step < 32_000; step++) pace.isDue();
      expect(looks).to.be.below(2100); // two each: the pace's own, and that of the turn
      let due = 0;
      for (let step = 0; step < 100; step++) {
        clock.ms += 2;
        if (pace.isDue()) due++;
      }
      expect(due).to.be.above(50);
    });
  });
});

describe("withPauses", () => {
  it("lets the event loop turn between the buffers of a batch, and restores each of them once", async () => {
    const buffers = Array.from({ length: 100 }, (_, index) => new Uint8Array(new ArrayBuffer(100), index, 1));
    await withClock(async (clock) => {
      let restored = 0;
      const codec: BodyCodec = ({ byteOffset }) => {
        restored++;
        clock.ms += 3;
        return Uint8Array.of(byteOffset);
      };
      let result: Uint8Array[] = [];
      const { longest } = await observed(
        () => clock.ms,
        async () => {
          result = await withPauses(codec, (pausing) => buffers.map((buffer) => pausing(buffer, 1)));
        },
      );
      expect(result.map(([value]) => value)).to.deep.equal(buffers.map(({ byteOffset }) => byteOffset));
      expect(restored).to.equal(100);
      expect(longest).to.be.at.most(25);
    });
  });

  it("fails with what the codec fails with", async () => {
    const broken: BodyCodec = () => {
      throw new RangeError("broken");
    };
    const error = await withPauses(broken, (codec) => codec(new Uint8Array(1), 1)).catch((reason) => reason);
    expect(error).to.be.instanceOf(RangeError).with.property("message", "broken");
  });
});
