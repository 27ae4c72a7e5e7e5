import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";

// "Make room there" was said of a full table of files, and "There is no python3 on PATH".
describe("A process that may open no more files", function () {
  this.timeout(60_000);

  it("is told so, and what to do, where a file, a connection or a process would be the next", async () => {
    const script = fileURLToPath(new URL("../support/without-files.ts", import.meta.url));
    const { SPARK_HOME: _, JAVA_HOME: __, ...env } = process.env;
    const args = ["-c", 'ulimit -n 1024; exec "$0" --import tsx "$1"', process.execPath, script];
    const { stdout } = await promisify(execFile)("/bin/sh", args, { env });
    const outcomes = JSON.parse(stdout) as Record<string, { code: string; message: string }>;
    const codes = Object.fromEntries(Object.entries(outcomes).map(([name, { code }]) => [name, code]));
    expect(codes, stdout).to.deep.equal({
      write: "WRITE_FAILED",
      spill: "WRITE_FAILED",
      connect: "UNAVAILABLE",
      "local Spark": "LOCAL_SPARK_FAILED",
      process: "LOCAL_SPARK_FAILED",
    });
    for (const [name, { message }] of Object.entries(outcomes)) {
      expect(message, name).to.match(/too many (open )?files/i);
      if (name !== "write") expect(message).to.include("ulimit -n");
    }
  });
});
