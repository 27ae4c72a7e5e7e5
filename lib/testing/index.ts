export type { Fault, FaultAction } from "./fault.js";
export type { OperationState, ScriptedOperation } from "./operation.js";
export type { ResponseInit, ScriptedResult } from "./scripted-result.js";
export { type ScriptedServer, startScriptedServer } from "./scripted-server.js";
export type { RespondWith, ScriptedMethod, ScriptedRequest, ScriptedServerOptions } from "./server-options.js";
export type { ScriptedSession } from "./sessions.js";
export { sparkError } from "./spark-error.js";
export type { SparkErrorInit } from "./spark-error-init.js";
