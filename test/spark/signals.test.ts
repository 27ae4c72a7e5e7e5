// A program that is ended from outside leaves no job on a real Spark, whatever it runs.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { SparkSession } from "../../lib/index.js";
import { EventLog, type SparkJob } from "../support/event-log.js";
import { sparkServer, sparkSession } from "../support/spark.js";

/** ms after a signal within which its job has to be over, on a machine that may be busy. */
const SOON = 5_000;

const entry = new URL("../../lib/index.ts", import.meta.url).href;
const IMPORTS = `import { connect, sparkStream } from "${entry}";`;
const CONNECT = `${IMPORTS}\nconst spark = await connect();`;

/** Would run for hours before its first row. */
const SILENT = "SELECT id FROM range(0, 1000000000000, 1, 4) WHERE uuid() = 'x'";

const programs: Readonly<Record<string, string>> = {
  "a stream": `${CONNECT}\nawait sparkStream(spark.sql("${SILENT}")).toArray();`,
  "a stream whose rows come": `${CONNECT}
    for await (const _ of sparkStream(spark.sql("SELECT id, uuid() AS u FROM range(0, 1000000000, 1, 20000)")));`,
  "a command": `${CONNECT}\nawait spark.sql("CREATE TABLE never AS ${SILENT}").execute();`,
  "a staged stream": `${CONNECT}\nawait sparkStream(spark.sql("${SILENT}"), { delivery: "staged" }).toArray();`,
  "a pushed stream": `${CONNECT}
    const stream = sparkStream(spark.sql("SELECT id FROM range(0, 1000000000, 1, 4)"), { delivery: "push" });
    for await (const _ of stream) await new Promise((resolve) => setTimeout(resolve, 100));`,
};

describe("A program that runs on a real Spark and is ended", function () {
  this.timeout(180_000);
  const log = new EventLog();
  const children = new Set<ChildProcess>();
  let spark: SparkSession;

  before(async function () {
    this.timeout(600_000); // the first start installs Spark
    spark = await sparkSession({ conf: log.conf });
    await spark.range(10).count(); // what is slow the first time
  });
  after(() => spark?.close());
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
    children.clear();
  });

  const running = async () => (await log.jobs()).filter(({ ended }) => ended === undefined);

  async function start(script: string, env: NodeJS.ProcessEnv = {}) {
    const { url, token } = await sparkServer({ conf: log.conf });
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      env: { ...process.env, SPARK_REMOTE: url, SPARK_CONNECT_AUTHENTICATE_TOKEN: token, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    const exit = Promise.all([once(child, "exit"), text(child.stdout!), text(child.stderr!)]);
    return { child, exit: exit.then(([[code, signal], stdout, stderr]) => ({ code, signal, stdout, stderr })) };
  }

  /** A job that is there for a second: not one of those that find something out before. */
  async function untilRunning(): Promise<SparkJob> {
    for (let last: SparkJob | undefined, since = 0; ; await sleep(50)) {
      const [job] = await running();
      if (job?.id !== last?.id) [last, since] = [job, Date.now()];
      else if (job && Date.now() - since > 1_000) return job;
    }
  }

  for (const [index, [what, script]] of Object.entries(programs).entries()) {
    const signal = (["SIGINT", "SIGTERM", "SIGHUP"] as const)[index % 3]!;
    it(`by ${signal} ends by it, with its job cancelled: ${what}`, async () => {
      const { child, exit } = await start(script);
      await untilRunning();
      const killedAt = Date.now();
      child.kill(signal);
      expect(await exit).to.deep.equal({ code: null, signal, stdout: "", stderr: "" });
      while ((await running()).length > 0 && Date.now() < killedAt + 2 * SOON) await sleep(20);
      expect(await running(), "jobs that still run").to.deep.equal([]);
      const last = (await log.jobs()).at(-1)!;
      expect(last.ended! - killedAt, "ms from the signal to the end of the job").to.be.below(SOON);
    });
  }

  it("by SIGINT with a local Spark of its own leaves neither of them", async () => {
    const script = `${IMPORTS}
      const spark = await connect("local[1]");
      console.log("started");
      await sparkStream(spark.sql("${SILENT}")).toArray();`;
    const { child, exit } = await start(script);
    await once(child.stdout!, "data");
    await sleep(1_000);
    child.kill("SIGINT");
    expect(await exit).to.include({ code: null, signal: "SIGINT", stderr: "" });
  });
});
