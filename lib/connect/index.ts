export type { CallOptions, RunOptions } from "../call-options.js";
export { type ConnectOptions, connect } from "./connect.js";
export type { DataFrame, ExplainMode, JoinHow } from "./dataframe.js";
export type { DataFrameReader } from "./dataframe-reader.js";
export type { DataFrameWriter, WriteMode } from "./dataframe-writer.js";
export type { EndpointOptions, TlsOptions, Token } from "./endpoint.js";
export { ipcRows } from "./ipc-rows.js";
export type { SqlParameter } from "./literal.js";
export type { RuntimeConf, SparkSession, SqlArguments } from "./session.js";
