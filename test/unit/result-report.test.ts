import { once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { ExecutePlanResponseSchema, Expression_LiteralSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { literalValue } from "../../lib/delivery/result/literal-value.js";
import { ResultReport } from "../../lib/delivery/result/result-report.js";

const long = (value: bigint) => ({ literalType: { case: "long" as const, value } });

function observed(keys: string[], ...values: bigint[]) {
  const report = new ResultReport();
  report.take(
    create(ExecutePlanResponseSchema, { observedMetrics: [{ name: "check", keys, values: values.map(long) }] }),
  );
  return report.observed;
}

describe("What df.observe() counted", () => {
  it("is named as its expressions are", () => {
    expect(observed(["rows", "sum"], 3n, 6n)).to.deep.equal({ check: { rows: 3n, sum: 6n } });
  });

  // Spark 3.5 sends values without names, and the result was {}.
  it("is named by its place if the server sends no names", () => {
    expect(observed([], 3n, 6n)).to.deep.equal({ check: { 0: 3n, 1: 6n } });
    expect(observed(["rows"], 3n, 6n)).to.deep.equal({ check: { rows: 3n, 1: 6n } });
  });

  it("loses none of two expressions, or two observations, of one name", () => {
    expect(observed(["n", "n"], 3n, 6n)).to.deep.equal({ check: { n: 3n, 1: 6n } });
    const report = new ResultReport();
    const two = ["a", "b"].map((key, index) => ({ name: "check", keys: [key], values: [long(BigInt(index))] }));
    report.take(create(ExecutePlanResponseSchema, { observedMetrics: two }));
    expect(report.observed).to.deep.equal({ check: { a: 0n, b: 1n } });
  });

  it("is undefined for a type that is not read, with a warning", async () => {
    const warned = once(process, "warning");
    const report = new ResultReport();
    const interval = { literalType: { case: "dayTimeInterval" as const, value: 1n } };
    report.take(
      create(ExecutePlanResponseSchema, { observedMetrics: [{ name: "check", keys: ["i"], values: [interval] }] }),
    );
    expect(report.observed).to.deep.equal({ check: { i: undefined } });
    expect((await warned)[0]).to.have.property("code", "UNREAD_OBSERVATION");
  });

  it("is text, as in rows(), for a time beyond what a Date holds", () => {
    const shown = (literalType: object) => literalValue(create(Expression_LiteralSchema, { literalType } as never));
    expect(shown({ case: "date", value: 20_634 })).to.equal("2026-06-30");
    expect(shown({ case: "date", value: 100_000_001 })).to.equal("+275760-09-14");
    expect(shown({ case: "timestamp", value: 2n ** 63n - 1n })).to.equal("+294247-01-10T04:00:54.775807Z");
  });
});
