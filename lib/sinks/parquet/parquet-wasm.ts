import { createRequire } from "node:module";

export type ParquetWasm = typeof import("parquet-wasm");

let loaded: ParquetWasm | undefined;

/** parquet-wasm, loaded at the first call: that takes some 50 ms and 5 MB of WebAssembly. */
export function parquetWasm(): ParquetWasm {
  // A new require each time: it keeps what it has loaded alive.
  loaded ??= createRequire(import.meta.url)("parquet-wasm") as ParquetWasm;
  return loaded;
}

/** After a panic the memory that was in use is lost to the instance, up to all of its 4 GB. The next call gets a new one. */
export function replaceParquetWasm(): void {
  const require = createRequire(import.meta.url);
  delete require.cache[require.resolve("parquet-wasm")];
  loaded = undefined;
}
