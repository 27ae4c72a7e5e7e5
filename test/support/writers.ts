// What the tests of all writers have in common: a directory of one's own per test, and what must not be left in it.
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Data, type DataType, Field, makeData, RecordBatch, Schema, Struct, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { type ErrorCode, SparkStreamError } from "../../lib/errors.js";

/** A script of test/support/arrow. */
export const arrowScript = (name: string) => readFileSync(new URL(`./arrow/${name}.py`, import.meta.url), "utf8");

export const writeAll = (batches: Iterable<unknown> | AsyncIterable<unknown>, writer: Writable) =>
  pipeline(Readable.from(batches), writer);

export type Columns = Readonly<Record<string, readonly [DataType, readonly unknown[]]>>;

/** A record batch of columns of these types and values, all nullable. */
export function batchOfValues(columns: Columns): RecordBatch {
  const fields = Object.entries(columns).map(([name, [type]]) => new Field(name, type, true));
  const children = Object.values(columns).map(([type, values]) => vectorFromArray(values, type).data[0] as Data);
  const length = children[0]?.length ?? 0;
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  return new RecordBatch(new Schema(fields), data);
}

export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<SparkStreamError> {
  const error = await promise.then(
    () => expect.fail(`no error, where ${code} was to come`),
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(SparkStreamError);
  expect((error as SparkStreamError).code, (error as Error).message).to.equal(code);
  return error as SparkStreamError;
}

/** A new directory before each test of a suite, gone after it. */
export function directoryPerTest(): { path(name: string): string; files(): Promise<string[]> } {
  let directory = "";
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "writer-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  return { path: (name) => join(directory, name), files: () => readdir(directory) };
}
