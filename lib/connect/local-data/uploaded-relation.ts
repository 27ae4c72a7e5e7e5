/**
 * Rows as a relation of a plan. In: rows, as often as they are asked for. Out: a relation that holds them, if they are small,
 * or the hashes of what was uploaded.
 *
 *     inline     LocalRelation: the rows are in the plan, and sent with it (plan-relation.ts)
 *     portions   ChunkedCachedLocalRelation (Spark 4.1 and later): artifacts "cache/<sha256>", an IPC stream each
 *     relations  a union of CachedLocalRelations, each a LocalRelation as an artifact
 *
 * An upload goes through the rows twice. First nothing is sent: all rows are checked, the hashes are known, and the size is
 * compared with the server's limit. Then the server is asked which artifacts it has, and gets the others.
 *
 * Memory: 16 MiB of portions, which are not made again if these are all; else one at a time.
 */
import { createHash } from "node:crypto";
import { SparkStreamError } from "../../errors.js";
import type { ArtifactBytes } from "../rpc/artifact.js";
import { isRefusal } from "../rpc/refusal.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";
import type { RelationInit } from "../session/plan.js";
import * as relations from "../session/relations.js";
import { breathe, type LocalRows } from "./local-rows.js";
import { planRelation } from "./plan-relation.js";
import { canPack, PACKED, type PortionOptions, portions } from "./portions.js";
import { estimatedBytes, rowsPacked } from "./size-estimate.js";
import { SIZE_LIMIT, type UploadLimits, uploadLimits } from "./upload-limits.js";

const MIB = 1024 * 1024;

/** Bytes of portions that are kept between the two times. */
const KEPT_BYTES = 16 * MIB;

/** Bytes that travel within a plan to a server that takes no uploads, as Sail. */
const MOST_WITHOUT_UPLOADS = 16 * MIB;

/** Names in one question. */
const NAMES = 1_000;

/** @throws SparkStreamError as LocalRows; MESSAGE_TOO_LARGE, UNSUPPORTED, and as any call; AbortError */
export async function relationOf(
  client: SparkConnectClient,
  rows: LocalRows,
  signal: AbortSignal | undefined,
): Promise<RelationInit> {
  const limits = await uploadLimits(client, signal);
  const inPlan = async (maxBytes: number) =>
    await planRelation(rows, { maxBytes, severalBatches: limits.inPortions, pack: 1 }, signal);
  const inline = await inPlan(limits.cacheThreshold);
  if (inline) return inline;
  const upload = await preparedUpload(rows, limits, signal);
  const known = await knownNames(client, upload.names, signal);
  if (known) {
    await send(client, upload, known, signal);
    return upload.relation;
  }
  const withoutUploads = await inPlan(MOST_WITHOUT_UPLOADS);
  if (withoutUploads) return withoutUploads;
  const message = `The server takes no uploads (AddArtifacts), and so at most ${MOST_WITHOUT_UPLOADS / MIB} MiB in createDataFrame(). Write the rows to storage that Spark reads, and use spark.read.`;
  throw new SparkStreamError("UNSUPPORTED", message);
}

/** What is to be uploaded, and the relation that has it. */
interface Upload {
  /** Of the artifacts, in order. */
  readonly names: readonly string[];
  readonly relation: RelationInit;
  /** The artifacts, in order, if they were small enough to be kept. */
  readonly kept: readonly ArtifactBytes[] | undefined;
  /** Makes the artifacts again. */
  artifacts(): AsyncIterable<ArtifactBytes>;
}

async function preparedUpload(rows: LocalRows, limits: UploadLimits, signal: AbortSignal | undefined): Promise<Upload> {
  const types = rows.schema.fields.map(({ type }) => type);
  const { broadcastThreshold } = limits;
  const estimate = estimatedBytes(types, rows.rowCount);
  const packFor = (bytes: number) => (canPack(rows.schema) ? rowsPacked({ bytes, estimate, broadcastThreshold }) : 1);
  const pack = packFor(0);
  const prepared = await preparedWith(pack, rows, limits, signal);
  const better = packFor(prepared.bytes);
  return better < pack ? await preparedWith(better, rows, limits, signal) : prepared;
}

/** @throws SparkStreamError MESSAGE_TOO_LARGE */
async function preparedWith(
  pack: number,
  rows: LocalRows,
  { sizeLimit, inPortions, portionBytes }: UploadLimits,
  signal: AbortSignal | undefined,
): Promise<Upload & { bytes: number }> {
  const options = { maxBytes: portionBytes, severalBatches: inPortions, pack };
  const artifacts = () => artifactsOf(rows, options, signal);
  const hashes: string[] = [];
  let kept: ArtifactBytes[] | undefined = [];
  let bytes = 0;
  for await (const artifact of artifacts()) {
    bytes += artifact.size;
    if (bytes > sizeLimit) throw tooLarge(sizeLimit);
    if (bytes > KEPT_BYTES) kept = undefined;
    kept?.push(artifact);
    hashes.push(await hashOf(artifact, signal));
  }
  const uploaded = inPortions ? portionsOf(hashes) : relations.unionOfAll(hashes.map(cachedRelation));
  return {
    names: hashes.map(nameOf),
    relation: pack > 1 ? { relType: relations.project(uploaded, [`inline(${PACKED})`]) } : uploaded,
    kept,
    artifacts,
    bytes,
  };
}

async function* artifactsOf(
  rows: LocalRows,
  options: PortionOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<ArtifactBytes> {
  for await (const portion of portions(rows, options, signal)) {
    yield options.severalBatches ? portion : localRelationBytes(portion);
  }
}

/** Field 1 of a LocalRelation, with a length before its bytes. */
const DATA_TAG = 0x0a;

/** The message LocalRelation { data }, without a copy of the data. */
function localRelationBytes({ size, pieces }: ArtifactBytes): ArtifactBytes {
  const head = [DATA_TAG];
  let left = size;
  for (; left > 127; left = Math.floor(left / 128)) head.push((left % 128) | 128);
  head.push(left);
  return { size: size + head.length, pieces: [Uint8Array.from(head), ...pieces] };
}

async function hashOf({ pieces }: ArtifactBytes, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for (const piece of pieces) {
    hash.update(piece);
    await breathe(signal);
  }
  return hash.digest("hex");
}

const nameOf = (hash: string) => `cache/${hash}`;

function portionsOf(dataHashes: string[]): RelationInit {
  return { relType: { case: "chunkedCachedLocalRelation", value: { dataHashes } } };
}

function cachedRelation(hash: string): RelationInit {
  return { relType: { case: "cachedLocalRelation", value: { hash } } };
}

/** The artifacts that the server has; undefined if it takes none. */
async function knownNames(
  client: SparkConnectClient,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Set<string> | undefined> {
  const known = new Set<string>();
  try {
    for (let from = 0; from < names.length; from += NAMES) {
      const asked = names.slice(from, from + NAMES);
      for (const name of await client.knownArtifacts(asked, { signal })) known.add(name);
    }
    return known;
  } catch (error) {
    if (isRefusal(error)) return undefined; // Sail has no errors with a class
    throw error;
  }
}

async function send(
  client: SparkConnectClient,
  { names, kept, artifacts }: Upload,
  known: Set<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (names.every((name) => known.has(name))) return;
  let index = 0;
  for await (const artifact of kept ?? artifacts()) {
    const name = names[index++];
    if (name !== undefined && known.has(name)) continue;
    if (name === undefined || (!kept && nameOf(await hashOf(artifact, signal)) !== name)) throw changed();
    await client.addArtifact(name, artifact, { signal });
    known.add(name);
  }
}

function changed(): SparkStreamError {
  const message =
    "The rows changed while createDataFrame() sent them. Do not change them before the DataFrame was used.";
  return new SparkStreamError("INVALID_INPUT", message);
}

function tooLarge(limit: number): SparkStreamError {
  const message = `The rows are larger than the ${limit} bytes that the server takes at once (${SIZE_LIMIT}). Nothing was sent. Send them in several frames, and write each to the table.`;
  return new SparkStreamError("MESSAGE_TOO_LARGE", message);
}
