import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { findSparkHome } from "../../lib/local/spark-home.js";
import { failure, useScratch } from "./support.js";

describe("SPARK_HOME", () => {
  const scratch = useScratch();

  async function sparkWith(...files: string[]): Promise<NodeJS.ProcessEnv> {
    for (const file of files) {
      await mkdir(join(scratch(), file, ".."), { recursive: true });
      await writeFile(join(scratch(), file), "");
    }
    return { SPARK_HOME: scratch() };
  }

  it("is used as it is, with the version that its jar tells, and a Python that the user chooses", async () => {
    const env = await sparkWith("jars/spark-connect_2.13-4.0.1.jar", "python/lib/py4j-0.10.9.9-src.zip");
    expect(await findSparkHome({ env })).to.deep.equal({
      dir: scratch(),
      version: "4.0.1",
      python: undefined,
      pythonPath: `${join(scratch(), "python")}:${join(scratch(), "python/lib/py4j-0.10.9.9-src.zip")}`,
      installed: false,
    });
  });

  it("is refused, by name, without a spark-connect jar", async () => {
    const env = await sparkWith("jars/spark-core_2.13-4.3.0.jar");
    for (const wrong of [env, { SPARK_HOME: join(scratch(), "nowhere") }]) {
      const error = await failure(findSparkHome({ env: wrong }));
      expect(error.code).to.equal("LOCAL_SPARK_FAILED");
      expect(error.message).to.include(wrong.SPARK_HOME).and.include("spark-connect");
    }
  });

  it("is refused for a Spark whose server cannot be locked", async () => {
    const error = await failure(findSparkHome({ env: await sparkWith("jars/spark-connect_2.12-3.5.6.jar") }));
    expect(error.code).to.equal("UNSUPPORTED");
    expect(error.message).to.include("3.5.6");
  });
});
