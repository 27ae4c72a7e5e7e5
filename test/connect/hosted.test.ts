// Hosted Spark forbids what one's own allows: settings, functions, calls. Each restriction alone, and what every feature does.
import { tableFromArrays } from "apache-arrow";
import { expect } from "chai";
import { ipcRows, type SparkSession, sparkStream } from "../../lib/index.js";
import { type RespondWith, type ScriptedMethod, type SparkErrorInit, sparkError } from "../../lib/testing/index.js";
import { errorOf, idBatches, idsOf, scripted } from "../support/scripted.js";

const ROWS = 5;
type ExecutePlan = NonNullable<RespondWith["executePlan"]>;

const complete = { responseType: { case: "resultComplete" as const, value: {} } };

/** Makes checkpoints, and counts the rows of a staged frame: one partition with all of them. */
const staging: ExecutePlan = ({ plan }) => {
  const op = plan?.opType;
  if (op?.case === "command" && op.value.commandType.case === "checkpointCommand") {
    const value = { relation: { relationId: "kept" } };
    return { responses: [{ responseType: { case: "checkpointCommandResult", value } }, complete] };
  }
  if (op?.case !== "root" || op.value.relType.case !== "aggregate") return undefined;
  return { batches: tableFromArrays({ id: Int32Array.of(0), rows: [BigInt(ROWS)], bytes: [40n] }) };
};

function unimplemented(method: ScriptedMethod): RespondWith {
  const message = `Method not found: spark.connect.SparkConnectService/${method}`;
  return { [method]: refuse({ code: "UNIMPLEMENTED", message }) };
}

function refuse(error: SparkErrorInit): () => never {
  return () => {
    throw sparkError(error);
  };
}

/** Refuses each plan that has this in it. */
function refusePlans(part: string, error: SparkErrorInit): RespondWith {
  const executePlan: ExecutePlan = (request) => {
    const text = JSON.stringify(request.plan, (_key, value) => (typeof value === "bigint" ? `${value}` : value));
    if (text.includes(part)) throw sparkError(error);
    return staging(request);
  };
  return { executePlan };
}

const NO_SETTING: SparkErrorInit = {
  message: "[CONFIG_NOT_AVAILABLE] Configuration x is not available. SQLSTATE: 42K0I",
  errorClass: "CONFIG_NOT_AVAILABLE",
  sqlState: "42K0I",
};

/** What becomes of a feature: it works, or it fails with UNSUPPORTED and these words. */
type Outcome = true | RegExp;

const NO_CHECKPOINTS = /^delivery: "staged" needs checkpoints.*does not make them \(.*staged: \{ path: .*"result"\.$/s;
const NO_PUSH = /^delivery: "push" runs a Python function.*this server refuses it \(.*Use delivery: "staged"/s;
const NO_IPC_ROWS = /^ipcRows\(\) runs a Python function.*this server refuses it \(.*Use sparkStream\(df\)/s;
const NO_CODEC = /^The server does not let settings be changed.*Leave out compression: "zstd"\.$/s;

/** Each feature, and what becomes of it if nothing is refused. The scripted server has no Python. */
const features = {
  "a result": [async (spark: SparkSession) => await ids(sparkStream(spark.sql("SELECT id FROM t"))), true],
  "batches of another size": [
    async (spark: SparkSession) => {
      const batches = await sparkStream(spark.sql("SELECT id FROM t"), { maxRecordsPerBatch: 2 }).toArray();
      expect(batches.map(({ numRows }) => numRows)).to.deep.equal([2, 2, 1]);
    },
    true,
  ],
  compression: [(spark: SparkSession) => ids(sparkStream(spark.sql("SELECT id"), { compression: "zstd" })), true],
  "count()": [(spark: SparkSession) => spark.range(3).count(), true],
  "schema()": [(spark: SparkSession) => spark.range(3).schema(), true],
  "a command": [(spark: SparkSession) => spark.sql("CREATE TABLE x (id INT)").execute(), true],
  "a stream that is destroyed": [
    async (spark: SparkSession) => {
      const stream = sparkStream(spark.sql("SELECT id FROM t"));
      await stream.schema;
      stream.destroy();
      await spark.client.stopped();
    },
    true,
  ],
  "capabilities()": [(spark: SparkSession) => spark.capabilities(), true],
  staged: [(spark: SparkSession) => ids(sparkStream(spark.range(5), { delivery: "staged" })), true],
  "staged on a path, and garbage": [
    async (spark: SparkSession) => {
      await ids(sparkStream(spark.range(5), { delivery: "staged", staged: { collectGarbage: true } })).catch(() => {});
      await ids(sparkStream(spark.range(5), { delivery: "staged", staged: { path: "s3a://bucket/tmp" } }));
    },
    true,
  ],
  push: [(spark: SparkSession) => ids(sparkStream(spark.range(5), { delivery: "push" })), NO_PUSH],
  "ipcRows()": [(spark: SparkSession) => ids(sparkStream(ipcRows(spark.range(3)))), NO_IPC_ROWS],
} as const satisfies Readonly<Record<string, readonly [(spark: SparkSession) => Promise<unknown>, Outcome]>>;

type Feature = keyof typeof features;

async function ids(stream: ReturnType<typeof sparkStream>): Promise<void> {
  const { ids: found, error } = await idsOf(stream);
  if (error) throw error;
  expect(found).to.have.length(ROWS);
}

/** What a server refuses, by its answers; and which features it takes away. */
const restrictions: Readonly<Record<string, readonly [RespondWith, Partial<Record<Feature, Outcome>>]>> = {
  nothing: [{}, {}],
  "settings, to read or to set": [{ config: refuse(NO_SETTING) }, { compression: /Leave out compression/ }],
  "settings, to this caller": [
    { config: refuse({ code: "PERMISSION_DENIED", message: "No settings for you" }) },
    { compression: /Leave out compression/ },
  ],
  "to change settings": [
    {
      config: ({ operation }) => {
        if (operation?.opType.case === "set") throw sparkError(NO_SETTING);
        return undefined;
      },
    },
    { compression: NO_CODEC },
  ],
  "functions of Java": [
    refusePlans("java_method", { message: "[ROUTINE_NOT_FOUND] no java_method", errorClass: "ROUTINE_NOT_FOUND" }),
    {},
  ],
  "checkpoints, by a class": [
    refusePlans("checkpointCommand", {
      message: "[NOT_SUPPORTED_WITH_SERVERLESS] checkpoint is not supported on serverless compute. SQLSTATE: 0A000",
      errorClass: "NOT_SUPPORTED_WITH_SERVERLESS",
      sqlState: "0A000",
    }),
    { staged: NO_CHECKPOINTS },
  ],
  "checkpoints, without a class": [
    refusePlans("checkpointCommand", { message: "unsupported command" }),
    { staged: NO_CHECKPOINTS },
  ],
  "checkpoints, to this caller": [
    refusePlans("checkpointCommand", { code: "PERMISSION_DENIED", message: "No checkpoints for you" }),
    { staged: NO_CHECKPOINTS },
  ],
  "Python functions": [
    refusePlans("mapPartitions", {
      message: "[UC_COMMAND_NOT_SUPPORTED.WITHOUT_RECOMMENDATION] Python functions are not supported. SQLSTATE: 0AKUC",
      errorClass: "UC_COMMAND_NOT_SUPPORTED.WITHOUT_RECOMMENDATION",
      sqlState: "0AKUC",
    }),
    {},
  ],
  "to make databases": [refusePlans("CREATE DATABASE", { code: "PERMISSION_DENIED", message: "No databases" }), {}],
  Interrupt: [unimplemented("interrupt"), {}],
  ReattachExecute: [unimplemented("reattachExecute"), {}],
  ReleaseExecute: [unimplemented("releaseExecute"), {}],
  ReleaseSession: [unimplemented("releaseSession"), {}],
  CloneSession: [unimplemented("cloneSession"), {}],
  FetchErrorDetails: [unimplemented("fetchErrorDetails"), {}],
  ArtifactStatus: [unimplemented("artifactStatus"), {}],
};

describe("A hosted Spark", () => {
  for (const [what, [respond, lost]] of Object.entries(restrictions)) {
    describe(`that refuses ${what}`, () => {
      for (const [feature, [use, usual]] of Object.entries(features)) {
        const outcome = lost[feature as Feature] ?? usual;
        it(`${outcome === true ? "has" : "says what to do instead of"} ${feature}`, async () => {
          await using fixture = await scripted({
            batches: idBatches(ROWS),
            respond: { executePlan: staging, ...respond },
          });
          if (outcome === true) {
            await use(fixture.spark);
            return;
          }
          const error = await errorOf(use(fixture.spark));
          expect(error.code, error.message).to.equal("UNSUPPORTED");
          expect(error.message).to.match(outcome);
        });
      }
    });
  }
});
