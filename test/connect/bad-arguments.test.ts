import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isReadable, isWritable, type Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { inspect } from "node:util";
import { tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import * as connectApi from "../../lib/connect/index.js";
import { storedResult } from "../../lib/delivery/stored/stored-result.js";
import * as api from "../../lib/index.js";
import { type DataFrame, type SparkSession, SparkStreamError } from "../../lib/index.js";
import * as localApi from "../../lib/local/index.js";
import { newDirectory } from "../../lib/store/stream-directory.js";
import * as testingApi from "../../lib/testing/index.js";
import { idBatches, scripted } from "../support/scripted.js";

// Users of plain JavaScript, and of `any`, made such calls: they ended in a TypeError, a RangeError, or in nothing at all.

type Kind = "absent" | "boolean" | "number" | "bigint" | "string" | "array" | "bag" | "object" | "function" | "never";

const circular: unknown[] = [];
circular.push(circular);
let deep: unknown = 1;
for (let depth = 0; depth < 5_000; depth++) deep = [deep];

const nasty: readonly (readonly [kind: Kind, value: unknown])[] = [
  ["absent", undefined],
  ["never", null],
  ["never", Symbol("s")],
  ["boolean", true],
  ["number", 0],
  ["number", -1],
  ["number", 1.5],
  ["number", Number.NaN],
  ["number", Number.POSITIVE_INFINITY],
  ["number", 2 ** 31],
  ["number", 1e300],
  ["bigint", 5n],
  ["bigint", 2n ** 64n],
  ["string", ""],
  ["string", "\0"],
  ["string", "no such thing"],
  ["array", []],
  ["array", [null]],
  ["array", ["a", 5]],
  ["array", circular],
  ["array", deep],
  ["bag", {}],
  ["bag", { a: Symbol("s") }],
  ["bag", { a: { b: circular } }],
  ["object", new Map([["a", 1]])],
  ["object", new Date(Number.NaN)],
  ["object", Buffer.from("bytes")],
  ["object", { [Symbol.toStringTag]: "Strange", [Symbol.iterator]: 5 }],
  ["function", () => 5],
  ["function", class Wrong {}],
];

/** The kinds of values that an argument may be of. A value of any other kind is refused before anything is sent. */
interface Parameter {
  readonly good: unknown;
  readonly kinds: readonly Kind[];
  /** Numbers that the protocol does not carry, and others of these kinds that are refused all the same. */
  refuses?(value: unknown): boolean;
}
const takes = (good: unknown, ...kinds: Kind[]): Parameter => ({ good, kinds });

type Call = (...args: readonly unknown[]) => unknown;
type Table = Readonly<Record<string, readonly Parameter[]>>;

const text = takes("id", "string");
const texts = takes("id", "string", "absent");
const optionalText = takes(undefined, "absent", "string");
const isInt = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
const isLong = (value: unknown) => value === undefined || Number.isSafeInteger(value) || value === 5n;
const count: Parameter = { ...takes(1, "number"), refuses: (value) => !isInt(value) };
const long: Parameter = { ...takes(1, "number", "bigint"), refuses: (value) => !isLong(value) };
const optionalLong: Parameter = { ...long, kinds: [...long.kinds, "absent"] };
const value = takes("v", "string", "number", "boolean");
const bag = takes(undefined, "absent", "bag");

/** Refusals of arguments. */
const REFUSED = ["INVALID_ARGUMENT", "INVALID_INPUT", "INVALID_URL"];

interface Outcome {
  readonly error?: unknown;
  /** Whether it came at the call, or as the rejection of what the call gave. */
  readonly early?: boolean;
}

async function outcomeOf(call: () => unknown): Promise<Outcome> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    return { error, early: true };
  }
  const streams = (Array.isArray(result) ? result : [result]).filter((each) => isReadable(each) || isWritable(each));
  const errors = await Promise.all(streams.map(endOf));
  const handle = result as Partial<testingApi.ScriptedServer> | undefined;
  if (typeof handle?.close === "function") await handle.close();
  return { error: errors.find((error) => error !== undefined) };
}

async function endOf(stream: Readable | Writable): Promise<unknown> {
  const done = finished(stream).catch((error: unknown) => error);
  if (isReadable(stream as Readable) && !isWritable(stream as Writable)) (stream as Readable).resume();
  else stream.destroy(new SparkStreamError("WRITE_FAILED", "enough"));
  return await done;
}

const SECONDS = 20;

function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), SECONDS * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What is wrong with the ways in which a function answers to wrong arguments: a line each. */
async function faultsOf(
  name: string,
  call: Call,
  parameters: readonly Parameter[],
  sent: () => number = () => 0,
): Promise<string[]> {
  const faults: string[] = [];
  for (const [index, { kinds, refuses }] of parameters.entries()) {
    for (const [kind, wrong] of nasty) {
      const args = parameters.map(({ good }) => good).with(index, wrong);
      const shown = `${name}(${args.map((arg) => inspect(arg, { depth: 1 }).slice(0, 40)).join(", ")})`;
      const before = sent();
      const { error, early } = await within(
        outcomeOf(() => call(...args)),
        shown,
      );
      const ours = error instanceof SparkStreamError ? error : undefined;
      if (error !== undefined && ours?.code === undefined) faults.push(`${shown}: ${inspect(error).slice(0, 200)}`);
      if (kinds.includes(kind) && !refuses?.(wrong)) continue;
      if (!early || !REFUSED.includes(ours?.code ?? "")) faults.push(`${shown} is not refused: ${ours?.code}`);
      if (sent() !== before) faults.push(`${shown} sent something`);
    }
  }
  return faults;
}

/** Method names that a class has for users; what is marked @internal is not theirs. */
function methodsOf(prototype: object, internal: readonly string[] = []): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === "function" && name !== "constructor" && !internal.includes(name))
    .map(([name]) => name)
    .sort();
}

const batch = tableFromArrays({ id: Int32Array.of(1, 2) }).batches[0]!;
const target = () => new Writable({ write: (_chunk, _encoding, done) => done() });

const stored = storedResult("file:///nowhere", newDirectory(true), new Uint8Array(), []);

describe("A call with an argument that it does not take", function () {
  this.timeout(120_000);
  let setting: Awaited<ReturnType<typeof scripted>>;
  let spark: SparkSession;
  let df: DataFrame;
  let directory = "";
  const sent = () => setting.server.requests.length;
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);

  before(async () => {
    setting = await scripted({ batches: idBatches(3, 2) });
    spark = setting.spark;
    df = spark.range(5);
    directory = await mkdtemp(join(tmpdir(), "bad-arguments-"));
    process.on("unhandledRejection", note);
  });
  afterEach(() => {
    expect(unhandled.splice(0), "unhandled rejections").to.deep.equal([]);
  });
  after(async () => {
    process.off("unhandledRejection", note);
    await setting[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  async function expectRefusals(of: () => object, table: Table): Promise<void> {
    const faults: string[] = [];
    for (const [name, parameters] of Object.entries(table)) {
      const call: Call = (...args) => (of() as Record<string, Call>)[name]!(...args);
      faults.push(...(await faultsOf(name, call, parameters, sent)));
    }
    expect(faults).to.deep.equal([]);
  }

  it("is refused with a code by every method of a DataFrame, before anything is sent", async () => {
    const frame = (): Parameter => takes(df.limit(1));
    const expression = takes("id", "string", "bag"); // or the parameters, after the last one
    const transformations: Table = {
      agg: [text, expression],
      alias: [text],
      coalesce: [count],
      crossJoin: [frame()],
      distinct: [],
      drop: [text, texts],
      dropDuplicates: [texts],
      except: [frame()],
      filter: [text, bag],
      groupBy: [text, texts],
      hint: [text, text],
      intersect: [frame()],
      join: [frame(), takes("id", "string", "array"), takes("inner", "absent", "string")],
      limit: [count],
      observe: [text, text],
      offset: [count],
      orderBy: [text, expression],
      repartition: [count, text],
      sample: [takes(0.5, "number"), takes(1, "absent", "number")],
      select: [text, expression],
      selectExpr: [text, expression],
      sort: [text, expression],
      sortWithinPartitions: [text, expression],
      toDF: [text, text],
      union: [frame()],
      unionByName: [frame(), takes(true, "absent", "boolean")],
      where: [text, bag],
      withColumn: [text, text, bag],
      withColumnRenamed: [text, text],
      withColumns: [takes({ a: "1" }, "bag"), bag],
      withColumnsRenamed: [takes({ a: "b" }, "bag")],
    };
    const optionalCount: Parameter = {
      ...takes(1, "number", "absent"),
      refuses: (given) => given !== undefined && !isInt(given),
    };
    const limits = takes(undefined, "absent", "bag");
    const actions: Table = {
      cache: [],
      collect: [limits],
      columns: [],
      count: [],
      dtypes: [],
      createOrReplaceTempView: [text],
      execute: [],
      explain: [takes("simple", "absent", "string")],
      first: [limits],
      isEmpty: [],
      persist: [],
      printSchema: [],
      rows: [limits],
      schema: [],
      show: [optionalCount],
      showString: [optionalCount],
      tail: [count, limits],
      take: [count, limits],
      toLocalIterator: [limits],
      toTable: [limits],
      unpersist: [],
    };
    const methods = { ...transformations, ...actions };
    const internal = ["sparkSchema", "isStreaming", "relation", "execution", "withPlan", "in"];
    const own = Object.getPrototypeOf(df);
    const base = Object.getPrototypeOf(own);
    expect(methodsOf(own, [...internal, "checkSession"])).to.deep.equal(Object.keys(actions).sort());
    expect(methodsOf(base, [...internal, "derive", "combine"])).to.deep.equal(Object.keys(transformations).sort());
    // Arguments that are there, as undefined, are wrong; those that are left out are not.
    const variadic = (parameters: readonly Parameter[]) => parameters.map((p) => (p === texts ? text : p));
    await expectRefusals(() => df, Object.fromEntries(Object.entries(methods).map(([n, p]) => [n, variadic(p)])));
    await expectRefusals(() => df.groupBy("id"), { agg: [text, expression] });
  });

  it("is refused with a code by every method of a session, its reader, its writer and its settings", async () => {
    const internal = ["withQuerySession", "checkOpen", "beforeClose", "abandon"];
    const session: Table = {
      capabilities: [],
      close: [],
      createDataFrame: [takes(batch), bag],
      execute: [text, takes({}, "absent", "bag", "array")],
      fromStream: [takes([], "array"), takes({}, "absent", "bag")],
      interruptAll: [],
      interruptOperation: [text],
      interruptTag: [text],
      newSession: [],
      range: [
        long,
        optionalLong,
        optionalLong,
        { ...count, kinds: ["number", "absent"], refuses: (v) => v !== undefined && !isInt(v) },
      ],
      sql: [text, takes({}, "absent", "bag", "array")],
      stop: [],
      table: [text],
      version: [],
    };
    expect(methodsOf(Object.getPrototypeOf(spark), internal)).to.deep.equal(Object.keys(session).sort());
    const { close: _, stop: __, ...others } = session;
    await expectRefusals(() => spark, others);

    const reader: Table = {
      csv: [text, text],
      format: [text],
      json: [text],
      load: [text, text],
      option: [text, value],
      options: [takes({}, "bag")],
      orc: [text],
      parquet: [text],
      schema: [text],
      table: [text],
      text: [text],
    };
    expect(methodsOf(Object.getPrototypeOf(spark.read))).to.deep.equal(Object.keys(reader).sort());
    await expectRefusals(() => spark.read, reader);

    const writer: Table = {
      bucketBy: [count, text, text],
      csv: [text],
      format: [text],
      insertInto: [text],
      json: [text],
      mode: [takes("append", "string")],
      option: [text, value],
      options: [takes({}, "bag")],
      orc: [text],
      parquet: [text],
      partitionBy: [text, text],
      save: [optionalText],
      saveAsTable: [text],
      sortBy: [text, text],
    };
    expect(methodsOf(Object.getPrototypeOf(df.write))).to.deep.equal(Object.keys(writer).sort());
    await expectRefusals(() => df.write, writer);

    const list = takes({ pattern: "a*" }, "bag", "absent");
    const catalog: Table = {
      cacheTable: [text],
      clearCache: [],
      currentCatalog: [],
      currentDatabase: [],
      databaseExists: [text],
      dropTempView: [text],
      isCached: [text],
      listCatalogs: [list],
      listColumns: [text],
      listDatabases: [list],
      listTables: [optionalText, list],
      refreshTable: [text],
      setCurrentCatalog: [text],
      setCurrentDatabase: [text],
      tableExists: [text],
      uncacheTable: [text],
    };
    expect(methodsOf(Object.getPrototypeOf(spark.catalog))).to.deep.equal(Object.keys(catalog).sort());
    await expectRefusals(() => spark.catalog, catalog);

    const conf: Table = { get: [text, optionalText], set: [text, value], unset: [text] };
    expect(Object.keys(spark.conf).sort()).to.deep.equal(Object.keys(conf).sort());
    await expectRefusals(() => spark.conf, conf);
  });

  it("is refused with a code by every function of the package", async () => {
    const rows = takes([], "array", "object");
    const functions: Readonly<Record<string, readonly [Call, ...Parameter[]]>> = {
      arrowIpcBytes: [api.arrowIpcBytes as Call, rows, bag],
      arrowWriter: [api.arrowWriter as Call, takes(target()), bag],
      batchInfo: [api.batchInfo as Call, takes(batch, "array", "bag", "object")],
      col: [api.col as Call, text, text],
      csvLines: [api.csvLines as Call, bag],
      csvWriter: [api.csvWriter as Call, takes(target()), bag],
      ipcRows: [api.ipcRows as Call, takes(df)],
      ndjsonLines: [api.ndjsonLines as Call, bag],
      ndjsonWriter: [api.ndjsonWriter as Call, takes(target()), bag],
      parquetWriter: [api.parquetWriter as Call, takes(target()), bag],
      removeResult: [api.removeResult as Call, takes(stored), bag],
      rows: [api.rows as Call, bag],
      sparkError: [testingApi.sparkError as Call, takes({ message: "no" })],
      sparkStream: [api.sparkStream as Call, rows, bag],
      sparkWriter: [api.sparkWriter as Call, takes(spark), takes({ table: "t" }, "bag"), bag],
      splitSparkStream: [api.splitSparkStream as Call, takes(df), count, bag],
      storeResult: [api.storeResult as Call, takes(df), takes({ store: { uri: "file:///nowhere" } }, "bag")],
      startLocalSpark: [localApi.startLocalSpark as Call, bag],
      startScriptedServer: [testingApi.startScriptedServer as Call, bag],
      urlStore: [api.urlStore as Call, takes({ urlOf: () => "" }, "bag")],
      connect: [api.connect as Call, takes(setting.server.url, "absent", "string"), bag],
    };
    const exported = [api, connectApi, localApi, testingApi].flatMap((module) => Object.keys(module));
    const others = ["SparkStreamError", "errorCodes"];
    expect([...new Set(exported)].filter((name) => !others.includes(name)).sort()).to.deep.equal(
      Object.keys(functions).sort(),
    );
    const isFileWriter = (name: string) => name.endsWith("Writer") && name !== "sparkWriter";
    const faults: string[] = [];
    await withoutJava(async () => {
      for (const [name, [call, ...parameters]] of Object.entries(functions)) {
        // A target that is a name would become a file, and an arrow file at that.
        const named: Call = (given, ...rest) =>
          call(isFileWriter(name) && given === "no such thing" ? join(directory, name) : given, ...rest);
        const fixed = parameters.map((p) => (isFileWriter(name) && p !== bag ? takes(p.good, "string") : p));
        faults.push(...(await faultsOf(name, named, fixed)));
      }
    });
    expect(faults).to.deep.equal([]);
  });

  /** A local Spark that would be started is not: there is no Java for it. */
  async function withoutJava(run: () => Promise<void>): Promise<void> {
    const { JAVA_HOME: before, SPARK_REMOTE: remote } = process.env;
    process.env.JAVA_HOME = join(directory, "nowhere");
    delete process.env.SPARK_REMOTE;
    try {
      await run();
    } finally {
      if (before === undefined) delete process.env.JAVA_HOME;
      else process.env.JAVA_HOME = before;
      if (remote !== undefined) process.env.SPARK_REMOTE = remote;
    }
  }

  it("is refused with a code where it is an option, for each option of each function", async () => {
    const bags: Readonly<Record<string, (options: object) => unknown>> = {
      "sparkStream()": (options) => api.sparkStream(df, options),
      "sparkStream() staged": (options) => api.sparkStream(df, { delivery: "staged", ...options }),
      "sparkStream() push": (options) => api.sparkStream(df, { delivery: "push", push: options }),
      "arrowIpcBytes()": (options) => api.arrowIpcBytes(df, options),
      "sparkStream() stored": (options) =>
        api.sparkStream(df, { delivery: "stored", store: { uri: "file:///nowhere" }, stored: options }),
      "sparkStream() of a stored result": (options) => api.sparkStream(stored, options),
      "storeResult()": (options) => api.storeResult(df, { store: { uri: "file:///nowhere" }, ...options }),
      "splitSparkStream()": (options) => api.splitSparkStream(df, 2, options),
      "rows()": (options) => api.rows(options),
      "parquetWriter()": (options) => api.parquetWriter(target(), options),
      "arrowWriter()": (options) => api.arrowWriter(target(), options),
      "csvWriter()": (options) => api.csvWriter(target(), options),
      "ndjsonWriter()": (options) => api.ndjsonWriter(target(), options),
      "connect()": (options) => api.connect(setting.server.url, options),
      "connect() tls": (options) => api.connect(setting.server.url, { tls: options }),
      "startLocalSpark()": (options) => localApi.startLocalSpark(options),
      "connect() local": (options) => api.connect("local", { local: options }),
      "startScriptedServer()": (options) => testingApi.startScriptedServer(options),
      "startScriptedServer() tls": (options) => testingApi.startScriptedServer({ tls: options as never }),
      "startScriptedServer() respond": (options) => testingApi.startScriptedServer({ respond: options }),
      "startScriptedServer() faults": (options) => testingApi.startScriptedServer({ faults: [options as never] }),
      "sparkError()": (options) => testingApi.sparkError({ message: "no", ...options }),
    };
    const faults: string[] = [];
    await withoutJava(async () => {
      for (const [name, call] of Object.entries(bags)) {
        const { error } = await outcomeOf(() => call({ unheardOf: 1 }));
        const known = /^Unknown option "(?:\w+\.)?unheardOf" of .*Known options: (.*)\.$/.exec(
          (error as Error)?.message,
        );
        expect((error as SparkStreamError).code, name).to.equal("INVALID_ARGUMENT");
        expect(known, (error as Error)?.message).not.to.equal(null);
        for (const option of known![1]!.split(", ").map((path) => path.split(".").at(-1)!)) {
          for (const [kind, wrong] of nasty) {
            if (kind === "absent") continue;
            const shown = `${name} { ${option}: ${inspect(wrong, { depth: 1 }).slice(0, 40)} }`;
            const outcome = await within(
              outcomeOf(() => call({ [option]: wrong })),
              shown,
            );
            const ours = outcome.error instanceof SparkStreamError ? outcome.error : undefined;
            if (outcome.error !== undefined && !ours?.code)
              faults.push(`${shown}: ${inspect(outcome.error).slice(0, 200)}`);
            if (kind !== "never" || name === "connect() local") continue;
            if (ours?.code !== "INVALID_ARGUMENT") faults.push(`${shown} is not refused: ${ours?.code}`);
          }
        }
      }
    });
    expect(faults).to.deep.equal([]);
  });
});
