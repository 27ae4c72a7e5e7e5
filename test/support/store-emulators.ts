/** Emulators of the stores of Azure and Google: Azurite, from npm, and gcp-storage-emulator, from the Python package index. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { type Bucket, Storage } from "@google-cloud/storage";
import { cacheDir } from "../../lib/local/cache-dir.js";
import { OwnedProcess } from "../../lib/local/owned-process.js";
import { provisionVenv } from "../../lib/local/venv.js";
import { notInCheck } from "./check.js";
import { freePort } from "./free-port.js";
import { listening } from "./listening.js";
import { giveTimeToInstall } from "./running-test.js";

const AZURITE = "3.37.0";
/** The account that every Azurite has. */
const ACCOUNT = "devstoreaccount1";
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export interface Emulator<Place> extends AsyncDisposable {
  /** A container or bucket, which is empty. */
  readonly place: Place;
  /** How executors open it, in Python. */
  readonly filesystem: string;
}

export async function startAzurite(): Promise<Emulator<ContainerClient>> {
  notInCheck("it needs Azurite");
  giveTimeToInstall();
  const command = join(await installedAzurite(), "node_modules", ".bin", "azurite-blob");
  const [port, running] = await started((port) => [
    command,
    ...["--blobPort", `${port}`, "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"],
  ]);
  const credential = new StorageSharedKeyCredential(ACCOUNT, KEY);
  const place = new ContainerClient(`http://127.0.0.1:${port}/${ACCOUNT}/results`, credential);
  await place.create();
  const both = (name: string, value: string) => `blob_storage_${name}="${value}", dfs_storage_${name}="${value}"`;
  const where = `${both("authority", `127.0.0.1:${port}`)}, ${both("scheme", "http")}`;
  return { place, filesystem: `fs.AzureFileSystem("${ACCOUNT}", account_key="${KEY}", ${where})`, ...running };
}

export async function startGcsEmulator(): Promise<Emulator<Bucket>> {
  notInCheck("it needs an emulator of Google Cloud Storage");
  giveTimeToInstall();
  const { python } = await provisionVenv({ name: "test-gcs", packages: ["gcp-storage-emulator==2026.7.19"] });
  const [port, running] = await started((port) => [
    python,
    ...["-m", "gcp_storage_emulator", "start", "--host=127.0.0.1", `--port=${port}`, "--in-memory"],
    "--default-bucket=results",
  ]);
  const place = new Storage({ apiEndpoint: `http://127.0.0.1:${port}`, projectId: "test" }).bucket("results");
  const filesystem = `fs.GcsFileSystem(anonymous=True, scheme="http", endpoint_override="127.0.0.1:${port}")`;
  return { place, filesystem, ...running };
}

async function started(commandOf: (port: number) => string[]): Promise<[port: number, AsyncDisposable]> {
  const [directory, port] = await Promise.all([mkdtemp(join(tmpdir(), "spark-arrow-stream-store-")), freePort()]);
  const log = await open(join(directory, "log"), "w");
  const child = new OwnedProcess(commandOf(port), { output: log.fd });
  child.unref();
  await listening(port);
  const stop = async () => {
    await child.stop();
    await log.close();
    await rm(directory, { recursive: true, force: true });
  };
  return [port, { [Symbol.asyncDispose]: stop }];
}

async function installedAzurite(): Promise<string> {
  const directory = join(cacheDir(), `azurite-${AZURITE}`);
  if (await stat(directory).catch(() => undefined)) return directory;
  const unfinished = `${directory}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  const options = ["--prefix", unfinished, "--no-audit", "--no-fund", "--ignore-scripts"];
  await promisify(execFile)("npm", ["install", ...options, `azurite@${AZURITE}`]);
  await rename(unfinished, directory);
  return directory;
}
