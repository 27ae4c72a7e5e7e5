import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { type Command, parseCommand } from "../../lib/cli/command.js";
import type { IntoCommand } from "../../lib/cli/into/into-command.js";
import { readQuery } from "../../lib/cli/query-text.js";
import { failure, useScratch } from "../local/support.js";

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
    "a compression that the format does not have": [...query, "-f", "csv", "--compression", "snappy"],
    "an unknown compression": [...query, "-f", "parquet", "--compression", "zip"],
    "an unknown delivery": [...query, "--delivery", "push-pull"],
    "an option of a delivery that is another one": [...query, "--advertise", "node"],
    "a place to stage that another delivery does not have": [...query, "--staged-path", "s3a://b"],
    "two places to stage": [...query, "--delivery", "staged", "--staged-path", "s3a://b", "--staged-table", "t"],
    "a place to stage without a name": [...query, "--delivery", "staged", "--staged-path", ""],
    "an order that there is not": [...query, "--delivery", "push", "--order", "size"],
    "a port that is no number": [...query, "--delivery", "push", "--port", "http"],
    "a parameter without a value": [...query, "--param", "x"],
    "a parameter without a name": [...query, "--param", "=5"],
    "a parameter of more than 64 bits": [...query, "--param", "x=9223372036854775808"],
    "a parameter that is no finite number": [...query, "--param", "x=-1e999"],
    "a parameter with two values": [...query, "--param", "x=1", "--param", "x=2"],
    "a query that is empty": ["--sql", ""],
    "a query that is a comment": ["--sql", "-- SELECT 1"],
    "a table without a name": ["--table", ""],
    "a target without a name": [...query, "-o", "", "-f", "csv"],
    "a limit that is no number": [...query, "--limit", "ten"],
    "a negative limit": [...query, "--limit=-1"],
    "a timeout that is no number of seconds": [...query, "--connect-timeout", "5m"],
    "a timeout of nothing": [...query, "--connect-timeout", "0"],
    "a store without its delivery": [...query, "--store", "file:///tmp"],
    "its delivery without a store": [...query, "--delivery", "stored"],
    "an order without a delivery that has one": [...query, "--order", "partition"],
    "a mode without an input": [...query, "--mode", "append"],
    "an input without a target": ["--input", "x.csv"],
    "an input and a query": [...query, "--input", "x.csv", "--into", "t"],
    "an input of an unknown kind": ["--input", "x.xml", "--into", "t"],
    "an unknown mode": ["--input", "x.csv", "--into", "t", "--mode", "merge"],
    "an input that is pushed": ["--input", "x.csv", "--into", "t", "--delivery", "push"],
    "an address for an upload": ["--input", "x.csv", "--into", "t", "--port", "1"],
    "a schema for what has one": ["--input", "x.parquet", "--into", "t", "--schema", "a INT"],
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

  it("name a store, and what goes into Spark", () => {
    const store = ["--delivery", "stored", "--store", "file:///mnt/shared", "--order", "arrival"];
    expect(parsed(...store).stream).to.deep.equal({
      delivery: "stored",
      store: { uri: "file:///mnt/shared" },
      stored: { order: "arrival" },
    });
    const into = (...args: string[]) => parseCommand(args) as IntoCommand;
    expect(into("-i", "a.csv.gz", "--into", "lake.trips", "--mode", "append", "--using", "delta")).to.include({
      input: "a.csv.gz",
      format: "csv",
      mode: "append",
      delivery: "upload",
    });
    expect(into("-i", "a.jsonl", "--into", "lake.trips").into).to.deep.equal({ table: "lake.trips" });
    expect(into("-i", "-", "-f", "arrows", "--into", "s3a://b/x", "--partition-by", "a, b")).to.deep.include({
      into: { path: "s3a://b/x" },
      partitionBy: ["a", "b"],
      mode: "error",
    });
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
    expect(parsed("--delivery", "staged").stream).to.deep.equal({ delivery: "staged" });
    expect(parsed().stream).to.deep.equal({});
  });

  it("give what a pushed stream needs", () => {
    const args = ["--delivery", "push", "--listen", "0.0.0.0", "--port", "7000", "--advertise", "node:7001"];
    const push = { host: "0.0.0.0", port: 7000, advertise: "node:7001" };
    expect(parsed(...args).stream).to.deep.equal({ delivery: "push", push });
    const ordered = { ...push, order: "partition" };
    expect(parsed(...args, "--order", "partition").stream).to.deep.equal({ delivery: "push", push: ordered });
    expect(parsed("--delivery", "push").stream).to.deep.equal({ delivery: "push" });
  });

  it("give what a staged stream is kept in", () => {
    const staged = (...args: string[]) => parsed("--delivery", "staged", ...args).stream.staged;
    expect(staged("--staged-path", "s3a://bucket/tmp")).to.deep.equal({ path: "s3a://bucket/tmp" });
    expect(staged("--staged-table", "tmp.x")).to.deep.equal({ table: "tmp.x" });
  });

  it("give the format by the ending, or by its name, or NDJSON on standard output", () => {
    expect(parsed().format).to.equal("ndjson");
    expect(parsed("-o", "A.CSV").format).to.equal("csv");
    expect(parsed("-o", "x.txt", "-f", "arrows").format).to.equal("arrows");
  });
});

describe("A file with a query", () => {
  const scratch = useScratch();
  const sql = "SELECT 'größer 😀' AS x\r\nFROM t -- C:\\dir\\\r\n;\r\n";
  const utf16le = Buffer.from(`\ufeff${sql}`, "utf16le");

  const files: Readonly<Record<string, Uint8Array>> = {
    "UTF-8": Buffer.from(sql),
    "UTF-8 with a byte order mark": Buffer.from(`\ufeff${sql}`),
    "UTF-16, little-endian, with a byte order mark": utf16le,
    "UTF-16, big-endian, with a byte order mark": Buffer.from(utf16le).swap16(),
  };
  for (const [what, bytes] of Object.entries(files)) {
    it(`may be ${what}, with line ends as Windows writes them`, async () => {
      const path = join(scratch(), "q.sql");
      await writeFile(path, bytes);
      expect(await readQuery(path)).to.equal(sql);
    });
  }

  const wrong: Readonly<Record<string, readonly [bytes: Uint8Array | string, says: string]>> = {
    "Latin-1": [Buffer.from("SELECT 'gr\xf6\xdfer'", "latin1"), "is not valid UTF-8. Save it as UTF-8"],
    "half of a character": [Buffer.concat([utf16le, Buffer.of(0x41)]), "is not valid UTF-16LE"],
    "UTF-16 without a byte order mark": [Buffer.from("SELECT 1", "utf16le"), "is it UTF-16 without a byte order mark?"],
    nothing: ["", "There is no query in"],
    "a byte order mark alone": ["\ufeff", "There is no query in"],
    "nothing but comments": ["-- SELECT 1\r\n/* SELECT\n2 */ ;\n", "There is no query in"],
  };
  for (const [what, [bytes, says]] of Object.entries(wrong)) {
    it(`is refused with its name where it has ${what}`, async () => {
      const path = join(scratch(), "q.sql");
      await writeFile(path, bytes);
      const error = await failure(readQuery(path));
      expect(error).to.include({ code: "INVALID_ARGUMENT" });
      expect(error.message).to.include(says).and.include(path);
    });
  }

  it("is refused with the system's word where it cannot be read", async () => {
    expect((await failure(readQuery(join(scratch(), "none.sql")))).message).to.include("ENOENT");
  });
});
