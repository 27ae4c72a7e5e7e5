import { expect } from "chai";
import { startLocalSpark } from "../../lib/local/index.js";
import { defaultMemory, type LocalSparkOptions } from "../../lib/local/options.js";
import { failure } from "./support.js";

const GB = 2 ** 30;

describe("the options of a local Spark", () => {
  const wrong: [string, LocalSparkOptions | Record<string, unknown>][] = [
    ["a master that is no local one", { master: "spark://elsewhere:7077" }],
    ["a privileged port", { port: 80 }],
    ["a port that is none", { port: 65536 }],
    ["a memory size without its unit", { driverMemory: "1024" }],
    ["a conf that is none of Spark's", { conf: { "my.own": "1" } }],
    ["a conf value that is no string", { conf: { "spark.sql.shuffle.partitions": 8 } }],
    ["a conf that would open the server to others", { conf: { "spark.connect.grpc.binding.address": "0.0.0.0" } }],
    ["a conf that would have no effect", { conf: { "spark.driver.memory": "4g" } }],
    ["an option that does not exist", { memory: "4g" }],
  ];
  for (const [what, options] of wrong) {
    it(`are refused, naming it, with ${what}`, async () => {
      const error = await failure(startLocalSpark(options as LocalSparkOptions));
      expect(error.code).to.equal("INVALID_ARGUMENT");
      const [name, value] = Object.entries(options)[0]!;
      expect(error.message).to.include(name === "conf" ? Object.keys(value as object)[0]! : name);
    });
  }

  it("are not looked at further on Windows, where no local Spark runs", async () => {
    const platform = Object.getOwnPropertyDescriptor(process, "platform")!;
    Object.defineProperty(process, "platform", { ...platform, value: "win32" });
    try {
      const error = await failure(startLocalSpark());
      expect(error.code).to.equal("UNSUPPORTED");
      expect(error.message).to.include("WSL");
    } finally {
      Object.defineProperty(process, "platform", platform);
    }
  });
});

describe("the default memory of a local Spark", () => {
  it("is a quarter of the machine's, from 1 to 8 GB", () => {
    expect(defaultMemory(16 * GB, 0)).to.equal("4096m");
    expect(defaultMemory(2 * GB, 0)).to.equal("1024m");
    expect(defaultMemory(256 * GB, 0)).to.equal("8192m");
  });

  it("heeds the limit of a container, and no absurd one", () => {
    expect(defaultMemory(256 * GB, 8 * GB)).to.equal("2048m");
    expect(defaultMemory(16 * GB, 2 ** 63)).to.equal("4096m");
  });
});
