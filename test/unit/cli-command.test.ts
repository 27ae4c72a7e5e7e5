import { expect } from "chai";
import { type Command, parseCommand } from "../../lib/cli/command.js";

const query = ["--sql", "SELECT 1"];
const parsed = (...args: string[]) => parseCommand([...query, ...args]) as Command;

describe("The arguments of the command line", () => {
  const wrong: Readonly<Record<string, readonly string[]>> = {
    "no query": [],
    "two queries": [...query, "--table", "t"],
    "an unknown option": [...query, "--fast"],
    "an option without its value": [...query, "--limit"],
    "a positional argument": [...query, "out.csv"],
    "an ending that tells no format": [...query, "-o", "out.txt"],
    "no ending": [...query, "-o", "out"],
    "an unknown format": [...query, "-f", "xml"],
    "a compression that the format does not have": [...query, "-f", "csv", "--compression", "zstd"],
    "an unknown compression": [...query, "-f", "parquet", "--compression", "zip"],
    "an unknown delivery": [...query, "--delivery", "push-pull"],
    "an option of a delivery that is another one": [...query, "--advertise", "node"],
    "an order that there is not": [...query, "--delivery", "push", "--order", "size"],
    "a port that is no number": [...query, "--delivery", "push", "--port", "http"],
    "a parameter without a value": [...query, "--param", "x"],
    "a parameter without a name": [...query, "--param", "=5"],
    "a limit that is no number": [...query, "--limit", "ten"],
    "a negative limit": [...query, "--limit=-1"],
    "a timeout that is no number of seconds": [...query, "--connect-timeout", "5m"],
    "a timeout of nothing": [...query, "--connect-timeout", "0"],
    "two servers": [...query, "--local", "--remote", "sc://x"],
  };
  for (const [what, args] of Object.entries(wrong)) {
    it(`are refused with a pointer to --help where there is ${what}`, () => {
      expect(() => parseCommand(args))
        .to.throw(/See --help\.$/)
        .with.property("code", "INVALID_ARGUMENT");
    });
  }

  it("name a server, a local Spark with or without a number of cores, or nothing", () => {
    expect(parsed("--remote", "sc://h").url).to.equal("sc://h");
    expect(parsed("--local").url).to.equal("local[*]");
    expect(parsed("--local", "2", "-q").url).to.equal("local[2]");
    expect((parseCommand(["--local", ...query]) as Command).url).to.equal("local[*]");
    expect(parsed().url).to.equal(undefined);
  });

  it("say how many seconds to wait for a server", () => {
    expect(parsed("--connect-timeout", "300").connectTimeoutMs).to.equal(300_000);
    expect(parsed("--connect-timeout", "1.5").connectTimeoutMs).to.equal(1_500);
    expect(parsed().connectTimeoutMs).to.equal(undefined);
  });

  it("give parameters as JSON where they are, else as strings, and large integers exactly", () => {
    const values = ["a=5", "b=true", "c=null", 'd="5"', "e=x=y", "f=9007199254740993", "g={}", "h=1.50", "i="];
    expect(parsed(...values.flatMap((pair) => ["--param", pair])).params).to.deep.equal({
      a: 5,
      b: true,
      c: null,
      d: "5",
      e: "x=y",
      f: 9007199254740993n,
      g: "{}",
      h: 1.5,
      i: "",
    });
  });

  it("give the delivery, or leave it to the stream", () => {
    expect(parsed("--delivery", "staged").delivery).to.equal("staged");
    expect(parsed().delivery).to.equal(undefined);
  });

  it("give what a pushed stream needs", () => {
    const args = ["--delivery", "push", "--listen", "0.0.0.0", "--port", "7000", "--advertise", "node:7001"];
    const push = { host: "0.0.0.0", port: 7000, advertise: "node:7001" };
    expect(parsed(...args)).to.deep.include({ delivery: "push", push });
    expect(parsed(...args, "--order", "partition").push).to.deep.equal({ ...push, order: "partition" });
    expect(parsed("--delivery", "push").push).to.equal(undefined);
  });

  it("give the format by the ending, or by its name, or NDJSON on standard output", () => {
    expect(parsed().format).to.equal("ndjson");
    expect(parsed("-o", "A.CSV").format).to.equal("csv");
    expect(parsed("-o", "x.txt", "-f", "arrows").format).to.equal("arrows");
  });
});
