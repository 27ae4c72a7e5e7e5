/** The server's answers if the script defines no others. */
import type {
  AnalyzePlanRequest,
  ConfigRequest,
  ExecutePlanRequest,
  KeyValue,
} from "../connect/generated/spark-connect_pb.js";
import { batchesOf, type ResponseInit, responsesOf, type ScriptedResult } from "./scripted-result.js";
import type { ScriptedMethod } from "./server-options.js";
import type { Settings } from "./settings.js";
import { SparkError } from "./spark-error.js";
import { sparkSchema } from "./spark-schema.js";

/** Answers a query with the scripted result, a SQL command with its own relation, other commands with nothing. */
export function executePlan(
  { plan, requestOptions }: ExecutePlanRequest,
  result: ScriptedResult,
): readonly ResponseInit[] {
  if (result.responses) return result.responses; // also for commands
  const complete: ResponseInit = { responseType: { case: "resultComplete", value: {} } };
  const op = plan?.opType;
  if (op?.case === "command") {
    const { commandType } = op.value;
    if (commandType.case !== "sqlCommand") return [complete];
    const { input } = commandType.value;
    return [{ responseType: { case: "sqlCommandResult", value: input ? { relation: input } : {} } }, complete];
  }
  const chunking = requestOptions.map(({ requestOption }) => requestOption);
  const allowChunks = chunking.some((o) => o.case === "resultChunkingOptions" && o.value.allowArrowBatchChunking);
  return responsesOf(result, allowChunks);
}

export function analyzePlan({ analyze }: AnalyzePlanRequest, sparkVersion: string, result: ScriptedResult) {
  switch (analyze.case) {
    case "sparkVersion":
      return { result: { case: "sparkVersion" as const, value: { version: sparkVersion } } };
    case "schema":
      return { result: { case: "schema" as const, value: { schema: sparkSchema(batchesOf(result)[0]!.schema) } } };
    case "explain":
      return { result: { case: "explain" as const, value: { explainString: "== Physical Plan ==\nScripted\n" } } };
    case "isStreaming":
      return { result: { case: "isStreaming" as const, value: { isStreaming: false } } };
    default:
      throw unanswered("analyzePlan", `AnalyzePlan(${analyze.case})`);
  }
}

export function config({ operation }: ConfigRequest, settings: Settings): { pairs: Partial<KeyValue>[] } {
  const op = operation?.opType;
  switch (op?.case) {
    case "get":
      return { pairs: op.value.keys.map((key) => ({ key, value: settings.get(key) })) };
    case "getOption":
      return { pairs: op.value.keys.map((key) => ({ key, ...settings.find(key) })) };
    case "getWithDefault":
      return { pairs: op.value.pairs.map(({ key, value = "" }) => ({ key, value, ...settings.find(key) })) };
    case "getAll":
      return { pairs: [...settings.values].map(([key, value]) => ({ key, value })) };
    case "set":
      for (const { key, value = "" } of op.value.pairs) settings.set(key, value);
      return { pairs: [] };
    case "unset":
      for (const key of op.value.keys) settings.unset(key);
      return { pairs: [] };
    case "isModifiable":
      return { pairs: op.value.keys.map((key) => ({ key, value: "true" })) };
    default:
      throw unanswered("config", `Config(${op?.case})`);
  }
}

export function unanswered(method: ScriptedMethod, what = method as string): Error {
  const message = `The scripted server has no answer to ${what}: give it one in respond.${method}.`;
  return new SparkError({ code: "UNIMPLEMENTED", message });
}
