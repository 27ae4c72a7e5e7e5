export type { ArrowIpcBytes } from "./chain/arrow-ipc-bytes.js";
export { type BatchInfo, batchInfo } from "./chain/batch-info.js";
export type { InputRow, RowInput } from "./chain/input-rows.js";
export type {
  LargePartition,
  ObservedMetrics,
  ObservedValue,
  OperatorMetrics,
  StageProgress,
  StreamProgress,
} from "./chain/source-report.js";
export type { StreamListening } from "./chain/stream-events.js";
export type { StreamMetrics } from "./chain/stream-metrics.js";
export {
  type Capabilities,
  type Catalog,
  type CatalogColumn,
  type CatalogDatabase,
  type CatalogMetadata,
  type CatalogTable,
  type CollectOptions,
  type ConnectOptions,
  type CreateDataFrameOptions,
  col,
  connect,
  type DataFrame,
  type DataFrameReader,
  type DataFrameRows,
  type DataFrameWriter,
  type ExplainMode,
  type Expressions,
  type FromStreamOptions,
  type Grouped,
  ipcRows,
  type JoinCondition,
  type JoinHow,
  type ListOptions,
  type LocalData,
  type NamedArguments,
  type Planned,
  type Row,
  type RowsOfOptions,
  type RuntimeConf,
  type ShowOptions,
  type SparkSession,
  type SqlArguments,
  type SqlParameter,
  type StreamInput,
  type TlsOptions,
  type Token,
  type ToTableOptions,
  type WriteMode,
} from "./connect/index.js";
export type { StoredFile } from "./delivery/stored/stored-file.js";
export type { StoredResult, StoredResultPartition } from "./delivery/stored/stored-result.js";
export { type ErrorCode, type ErrorDetails, errorCodes, type QueryContext, SparkStreamError } from "./errors.js";
export type { WriterMetrics } from "./ingest/ingest.js";
export type { CallOptions, RunOptions } from "./runtime/call-options.js";
export type { ReachOptions } from "./runtime/reach-options.js";
export { type ArrowWriterOptions, arrowWriter } from "./sinks/arrow-writer.js";
export type { BatchWriterOptions } from "./sinks/batch-encoding.js";
export type { BatchWritable } from "./sinks/batch-writer.js";
export type { FolderOptions } from "./sinks/folder/folder-options.js";
export { type ParquetWriterOptions, parquetWriter } from "./sinks/parquet-writer.js";
export { type CsvOptions, type CsvWriterOptions, csvWriter } from "./sinks/text/csv-writer.js";
export { type NdjsonOptions, type NdjsonWriterOptions, ndjsonWriter } from "./sinks/text/ndjson-writer.js";
export { type RowsOptions, rows } from "./sinks/text/rows.js";
export { csvLines, ndjsonLines } from "./sinks/text/text-lines.js";
export type { TextCompression, TextCompressionOptions } from "./sinks/text/text-writer.js";
export type { InvalidText } from "./sinks/values/invalid-text.js";
export type { TextValueOptions, ValueOptions } from "./sinks/values/value-options.js";
export { arrowIpcBytes, type SparkStream, sparkStream, splitSparkStream } from "./spark-stream.js";
export { type SparkWriter, sparkWriter } from "./spark-writer.js";
export type { ReadableStore, Store, StoreExecutors, StoreLocation, StoreRange } from "./store/store.js";
export { type UrlStoreOptions, urlStore } from "./store/url-store.js";
export { removeResult, storeResult } from "./stored-results.js";
export type {
  CommonStreamOptions,
  PushOptions,
  PushStreamOptions,
  RemoveResultOptions,
  ResultPosition,
  ResultStreamOptions,
  SparkStreamOptions,
  SplitStreamOptions,
  StagedOptions,
  StagedStreamOptions,
  StoredOptions,
  StoredResultOptions,
  StoredStreamOptions,
  StoreResultOptions,
} from "./stream-options.js";
export type { PullOptions, SparkWriterOptions, WriteTarget } from "./write-options.js";
