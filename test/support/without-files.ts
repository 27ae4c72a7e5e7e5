// A process that may open no more files: what each part of the package says then, as JSON. Run with a low `ulimit -n`.
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { connect, parquetWriter, SparkStreamError, sparkStream } from "../../lib/index.js";
import { startLocalSpark } from "../../lib/local/index.js";
import { OwnedProcess } from "../../lib/local/owned-process.js";
import { SpillFile } from "../../lib/spool/spill-file.js";
import { startScriptedServer } from "../../lib/testing/index.js";
import { idBatches } from "./scripted.js";
import { temporaryDirectory } from "./temporary-directory.js";
import { still } from "./until.js";

await using server = await startScriptedServer({ batches: idBatches(3) });
await using spark = await connect(server.url);
const query = () => sparkStream(spark.sql("SELECT id FROM t"));
const target = join(temporaryDirectory("without-files"), "out.parquet");

const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
  write: () => pipeline(query(), parquetWriter(target)),
  spill: async () => await (await SpillFile.create()).close(),
  connect: async () => await (await connect(server.url)).close(),
  "local Spark": async () => await startLocalSpark({ master: "local[1]" }),
  process: async () => await new OwnedProcess(["true"], { output: "pipe" }).exited,
};
// All code is loaded before there are no files left.
await attempts.write!();
await attempts.spill!();

const held: number[] = [];
/** Takes all that are left; also those that are given back while an attempt lasts. Returns how many are held. */
function takeAll(): number {
  try {
    for (;;) held.push(openSync("/dev/null", "r"));
  } catch {
    return held.length;
  }
}
const outcomes: Record<string, object | string> = {};
for (const [name, attempt] of Object.entries(attempts)) {
  // With one that is left, a client would have a connection that the server cannot take. The query has its connection already.
  await still(takeAll, 300);
  const taking = setInterval(takeAll, 1);
  outcomes[name] = await attempt().then(
    () => "done",
    (error: Error) =>
      error instanceof SparkStreamError ? { code: error.code, message: error.message } : String(error.stack),
  );
  clearInterval(taking);
}
for (const descriptor of held) closeSync(descriptor);
process.stdout.write(JSON.stringify(outcomes));
