// The Rust implementation of Parquet, as an oracle: what it writes ours must be like, what ours writes it must read.
import { createRequire } from "node:module";

const { readParquet, Table, writeParquet, WriterPropertiesBuilder, EnabledStatistics } = createRequire(import.meta.url)(
  "parquet-wasm",
) as typeof import("parquet-wasm");

/** A Parquet file of an Arrow IPC stream. @throws where it cannot write that */
export function parquetByWasm(ipc: Uint8Array): Uint8Array {
  const properties = new WriterPropertiesBuilder().setStatisticsEnabled(EnabledStatistics.Chunk).build();
  return writeParquet(Table.fromIPCStream(ipc), properties);
}

/** An Arrow IPC stream of a Parquet file. @throws where it cannot read that */
export function ipcByWasm(parquet: Uint8Array): Uint8Array {
  return readParquet(parquet).intoIPCStream();
}
