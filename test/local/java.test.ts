import { join } from "node:path";
import { expect } from "chai";
import { findJava } from "../../lib/local/java.js";
import { failure, script, useScratch } from "./support.js";

/** What `java -version` prints, on standard error. */
const banner = (version: string) => `echo 'openjdk version "${version}" 2025-04-15' >&2`;

describe("looking for Java", () => {
  const scratch = useScratch();
  const home = () => join(scratch(), "home");
  const path = () => join(scratch(), "bin");

  it("takes the one of JAVA_HOME before that on PATH", async () => {
    const command = await script(join(home(), "bin/java"), banner("21.0.2"));
    await script(join(path(), "java"), banner("17.0.15"));
    const java = await findJava({ JAVA_HOME: home(), PATH: path() });
    expect(java).to.include({ command, major: 21 });
  });

  for (const version of ["17.0.15", "17", "26-ea", "25.0.2+10"]) {
    it(`takes Java ${version} on PATH`, async () => {
      await script(join(path(), "java"), banner(version));
      expect((await findJava({ PATH: path() }))?.major).to.equal(Number.parseInt(version, 10));
    });
  }

  for (const [version, major] of [
    ["11.0.22", 11],
    ["1.8.0_402", 8],
  ]) {
    it(`refuses a JAVA_HOME with Java ${version}, and says so`, async () => {
      await script(join(home(), "bin/java"), banner(String(version)));
      await script(join(path(), "java"), banner("17.0.15"));
      const error = await failure(findJava({ JAVA_HOME: home(), PATH: path() }));
      expect(error.code).to.equal("JAVA_TOO_OLD");
      expect(error.message).to.include(home()).and.include(`Java ${major};`).and.include("17 or newer");
    });
  }

  it("refuses a JAVA_HOME without a Java that runs", async () => {
    const error = await failure(findJava({ JAVA_HOME: home(), PATH: path() }));
    expect(error.code).to.equal("JAVA_NOT_FOUND");
    expect(error.message).to.include(home());
  });

  it("passes over a Java on PATH that is too old, one that is a stub, and none", async () => {
    await script(join(path(), "java"), banner("11.0.22"));
    expect(await findJava({ PATH: path() })).to.equal(undefined);
    await script(join(path(), "java"), "echo 'Unable to locate a Java Runtime.' >&2; exit 1");
    expect(await findJava({ PATH: path() })).to.equal(undefined);
    expect(await findJava({ PATH: home() })).to.equal(undefined);
  });

  it("tells two Javas of one major version apart", async () => {
    await script(join(path(), "java"), banner("17.0.14"));
    const before = await findJava({ PATH: path() });
    await script(join(path(), "java"), banner("17.0.15"));
    expect((await findJava({ PATH: path() }))?.fingerprint).not.to.equal(before?.fingerprint);
  });
});
