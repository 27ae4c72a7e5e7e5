import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { LocalSpark } from "../../lib/local/index.js";
import { sparkServer } from "./spark.js";

const directory = resolve(import.meta.dirname, "../../examples");

/** An example that is a server, on the tests' Spark, until the scope ends: then it gets an interrupt, as from Ctrl-C. */
export async function startExample(
  name: string,
  server: Promise<LocalSpark> | LocalSpark = sparkServer(),
): Promise<{ url: string; child: ChildProcess } & AsyncDisposable> {
  const { url: remote, token } = await server;
  const child = spawn(process.execPath, ["--import", "tsx", resolve(directory, name), "0"], {
    cwd: resolve(directory, ".."),
    env: { ...process.env, SPARK_REMOTE: `${remote}/;token=${token}` },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [url] = (await once(createInterface(child.stdout!), "line")) as [string];
  return {
    url,
    child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGINT");
      await exited;
    },
  };
}
