/** What can be said of a Parquet file without loading what writes it. */

export const codecs = {
  zstd: "ZSTD",
  snappy: "SNAPPY",
  gzip: "GZIP",
  brotli: "BROTLI",
  lz4_raw: "LZ4_RAW",
  uncompressed: "UNCOMPRESSED",
} as const;

export type ParquetCompression = keyof typeof codecs;
export const parquetCompressions = Object.keys(codecs) as readonly ParquetCompression[];

/** The key under which the footer holds the Arrow schema. */
export const arrowSchemaKey = "ARROW:schema";
