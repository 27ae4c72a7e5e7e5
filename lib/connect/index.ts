export type { CallOptions, RunOptions } from "../runtime/call-options.js";
export type { CreateDataFrameOptions, LocalData } from "./local-data/created-relation.js";
export { ipcRows } from "./python/ipc-rows.js";
export type { EndpointOptions, TlsOptions, Token } from "./rpc/endpoint.js";
export type { Capabilities } from "./session/capabilities.js";
export type {
  Catalog,
  CatalogColumn,
  CatalogDatabase,
  CatalogMetadata,
  CatalogTable,
  ListOptions,
} from "./session/catalog.js";
export type { RuntimeConf } from "./session/conf.js";
export { type ConnectOptions, connect } from "./session/connect.js";
export type { DataFrameReader } from "./session/dataframe-reader.js";
export type { DataFrameWriter, WriteMode } from "./session/dataframe-writer.js";
export type { JoinHow } from "./session/join-how.js";
export type { Planned } from "./session/plan.js";
export { col } from "./session/quoted-name.js";
export type {
  CollectOptions,
  DataFrameRows,
  FromStreamOptions,
  Row,
  RowsOfOptions,
  StreamInput,
  ToTableOptions,
} from "./session/results.js";
export type {
  DataFrame,
  ExplainMode,
  ShowOptions,
  SparkSession,
} from "./session/session.js";
export type { NamedArguments, SqlArguments, SqlParameter } from "./session/sql-arguments.js";
export type { Expressions, Grouped, JoinCondition } from "./session/transformations.js";
