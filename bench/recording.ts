/**
 * Answers of a real Spark to ExecutePlan, kept in bench/data/recordings to be served again:
 *
 *   NAME.grpc   the responses as they travel: one byte 0, uint32 length (big endian), the message; and again
 *   NAME.json   the {@link Recording} that tells what is in it
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { ExecutePlanResponseSchema } from "../lib/connect/generated/spark-connect_pb.js";
import { connect, type SparkSession } from "../lib/index.js";
import { findSparkHome } from "../lib/local/spark-home.js";
import { testPython } from "../test/support/python.js";
import { type Recipe, type RecordingName, recipes } from "./recipes.js";
import { openSpark } from "./spark.js";
import { executePlan, openClient } from "./wire.js";

export interface Recording {
  readonly recipe: Recipe;
  readonly sparkVersion: string;
  /** The session of the responses, and what the server called it. */
  readonly sessionId: string;
  readonly serverSideSessionId: string;
  readonly rows: number;
  readonly batches: number;
  /** Bytes of Arrow data, without the messages around it. */
  readonly arrowBytes: number;
}

const folder = new URL("data/recordings/", import.meta.url);

export interface RecordingFiles {
  readonly frames: string;
  readonly manifest: string;
}

export function filesOf(name: RecordingName): RecordingFiles {
  const file = (extension: string) => fileURLToPath(new URL(`${name}.${extension}`, folder));
  return { frames: file("grpc"), manifest: file("json") };
}

/** The recording of the recipe as it is now. It is made with a real Spark where there is none. */
export async function recorded(name: RecordingName): Promise<Recording> {
  const { manifest } = filesOf(name);
  if (existsSync(manifest)) {
    const recording = JSON.parse(readFileSync(manifest, "utf8")) as Recording;
    if (JSON.stringify(recording.recipe) === JSON.stringify(recipes[name])) return recording;
  }
  await using spark = await openSpark();
  const { url, token } = spark.access;
  await using session = await connect(url, { ...(token !== undefined && { token }) });
  return await record(name, session);
}

async function record(name: RecordingName, session: SparkSession): Promise<Recording> {
  const recipe: Recipe = recipes[name];
  const sparkVersion = await session.version();
  for (const [key, value] of Object.entries(recipe.conf ?? {})) await session.conf.set(key, value);

  mkdirSync(folder, { recursive: true });
  const { frames, manifest } = filesOf(name);
  const file = createWriteStream(`${frames}.tmp`);
  const { endpoint, sessionId } = session.client;
  const wire = await openClient(endpoint, sessionId);
  const count = { rows: 0, batches: 0, arrowBytes: 0 };
  let serverSideSessionId = "";
  let complete = false;
  const responses = executePlan(wire, recipe.query, (bytes) => bytes, recipe);
  for await (const bytes of responses as AsyncIterable<Buffer>) {
    const response = fromBinary(ExecutePlanResponseSchema, bytes);
    serverSideSessionId ||= response.serverSideSessionId;
    complete ||= response.responseType.case === "resultComplete";
    if (response.responseType.case === "arrowBatch") {
      const { data, rowCount, chunkIndex = 0n } = response.responseType.value;
      count.arrowBytes += data.length;
      if (chunkIndex === 0n) {
        count.rows += Number(rowCount);
        count.batches++;
      }
    }
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(bytes.length, 1);
    file.write(prefix);
    if (!file.write(bytes)) await once(file, "drain");
  }
  file.end();
  await finished(file);
  wire.grpc.close();
  // Spark cuts an answer after 1 GB or two minutes; what is served must be whole in one.
  if (!complete) throw new Error(`The answer for ${name} was cut by the server: make the recipe smaller.`);

  if (recipe.recompress) count.arrowBytes = await recompress(`${frames}.tmp`, recipe.recompress);
  renameSync(`${frames}.tmp`, frames);
  const recording: Recording = { recipe, sparkVersion, sessionId, serverSideSessionId, ...count };
  writeFileSync(manifest, JSON.stringify(recording, null, 2));
  return recording;
}

/** Compresses the batches in this file of frames; says how many bytes of Arrow data it has now. */
async function recompress(frames: string, codec: string): Promise<number> {
  const [python, { pythonPath }] = await Promise.all([testPython(), findSparkHome({})]);
  const script = fileURLToPath(new URL("recompress.py", import.meta.url));
  const env = { ...process.env, PYTHONPATH: pythonPath };
  const { stdout } = await promisify(execFile)(python, [script, frames, codec, `${frames}.new`], { env });
  renameSync(`${frames}.new`, frames);
  return Number(stdout);
}
