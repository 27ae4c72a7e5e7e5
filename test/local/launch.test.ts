import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { properties, serverEnv } from "../../lib/local/launch.js";
import { ServerLog } from "../../lib/local/server-log.js";
import { useScratch } from "./support.js";

const home = { dir: "/spark", version: "4.3.0", python: "/venv/bin/python", pythonPath: "", installed: false };

describe("the server's configuration", () => {
  it("survives the format of Java's properties", () => {
    // The escapes of java.util.Properties.load
    expect(properties({ "spark.a": "C:\\x", "spark.b c": " led\nbroken" })).to.equal(
      "spark.a=C:\\\\x\nspark.b\\ c=\\ led\\nbroken\n",
    );
  });

  it("has nothing of another Spark's environment, and the venv's Python", () => {
    const others = {
      PATH: "/bin",
      SPARK_REMOTE: "sc://x",
      SPARK_LOCAL_DIRS: "/y",
      PYTHONPATH: "/z",
      PYSPARK_PYTHON: "p",
    };
    expect(serverEnv(others, home, "/tmp/d", "secret")).to.deep.equal({
      PATH: "/bin",
      SPARK_HOME: "/spark",
      SPARK_CONF_DIR: "/tmp/d/conf",
      SPARK_LOCAL_IP: "127.0.0.1",
      SPARK_CONNECT_AUTHENTICATE_TOKEN: "secret",
      PYSPARK_PYTHON: "/venv/bin/python",
      PYSPARK_DRIVER_PYTHON: "/venv/bin/python",
    });
  });

  it("leaves the Python of a Spark of the user's own to the user", () => {
    const env = serverEnv({ PYSPARK_PYTHON: "/my/python" }, { ...home, python: undefined }, "/tmp/d", "secret");
    expect(env.PYSPARK_PYTHON).to.equal("/my/python");
  });
});

describe("the server's log", () => {
  const scratch = useScratch();

  it("gives its last telling lines, without stack frames, also when its file is gone", async () => {
    const path = join(scratch(), "server.log");
    const log = new ServerLog(path);
    await writeFile(path, "ERROR first\nERROR second\n\tat a.b.C\n\nCaused by: third\n\t... 16 more\n", { flag: "a" });
    await rm(path);
    expect(log.lastLines(2)).to.equal("  ERROR second\n  Caused by: third");
    log.close();
  });
});
