import { status } from "@grpc/grpc-js";
import { expect } from "chai";
import { defaultRetryPolicy, type Failure, isTransient, retryWait } from "../../lib/connect/rpc/retry.js";

const unavailable: Failure = { code: status.UNAVAILABLE };
const noJitter = () => 0;
const wait = (failure: Failure, retry: number, random: () => number = noJitter) =>
  retryWait(failure, retry, defaultRetryPolicy, random);

describe("retryWait", () => {
  it("waits four times as long each time, from 50 ms to a minute, and gives up after fifteen tries, as PySpark does", () => {
    const waits = Array.from({ length: 17 }, (_, index) => wait(unavailable, index + 1));
    const minute = 60_000;
    expect(waits).to.deep.equal([50, 200, 800, 3_200, 12_800, 51_200, ...Array(9).fill(minute), undefined, undefined]);
  });

  it("adds up to half a second at random to waits of two seconds or more, and to no shorter one", () => {
    const most = () => 1;
    expect(wait(unavailable, 3, most)).to.equal(800);
    expect(wait(unavailable, 4, most)).to.equal(3_700);
    expect(wait(unavailable, 15, most)).to.equal(60_500);
    expect(wait(unavailable, 4, () => 0.5)).to.equal(3_450);
  });

  it("waits as long as the server asks, if that is longer, but ten minutes at most", () => {
    const asked = (retryAfterMs: number) => wait({ code: status.INTERNAL, retryAfterMs }, 1);
    expect(asked(0)).to.equal(50);
    expect(asked(49)).to.equal(50);
    expect(asked(1_234)).to.equal(1_234);
    expect(asked(599_999)).to.equal(599_999);
    expect(asked(3_600_000)).to.equal(600_000);
  });

  it("gives up after the tries of the policy it is given", () => {
    const policy = { ...defaultRetryPolicy, maxRetries: 2 };
    expect([1, 2, 3].map((retry) => retryWait(unavailable, retry, policy))).to.deep.equal([50, 200, undefined]);
  });

  it("makes a call again whose deadline has passed only where the policy says so", () => {
    const expired: Failure = { code: status.DEADLINE_EXCEEDED };
    expect(wait(expired, 1)).to.equal(undefined);
    const policy = { ...defaultRetryPolicy, maxRetries: 1, afterDeadline: true };
    expect([1, 2].map((retry) => retryWait(expired, retry, policy))).to.deep.equal([50, undefined]);
  });

  it("does not go on for longer because the server asks for another try", () => {
    expect(wait({ code: status.UNAVAILABLE, retryAfterMs: 10 }, 16)).to.equal(undefined);
  });

  it("retries what is unavailable, a stream taken over by another, and what the server wants to be tried again", () => {
    expect(isTransient(unavailable)).to.equal(true);
    expect(isTransient({ code: status.INTERNAL, errorClass: "INVALID_CURSOR.DISCONNECTED" })).to.equal(true);
    expect(isTransient({ code: status.RESOURCE_EXHAUSTED, retryAfterMs: 0 })).to.equal(true);
  });

  it("retries nothing else, and a cancelled call least of all", () => {
    for (const [name, code] of Object.entries(status)) {
      if (typeof code !== "number" || code === status.UNAVAILABLE) continue;
      expect(wait({ code }, 1), name).to.equal(undefined);
      expect(wait({ code, errorClass: "INVALID_CURSOR.POSITION_NOT_AVAILABLE" }, 1), name).to.equal(undefined);
    }
    expect(wait({ code: status.CANCELLED, errorClass: "INVALID_CURSOR.DISCONNECTED" }, 1)).to.equal(undefined);
  });
});
