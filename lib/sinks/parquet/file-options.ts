/** What can be said of a Parquet file without loading what writes it. */

/** The codecs that are written, and their numbers in the format. */
export const codecNumbers = { zstd: 6, snappy: 1, gzip: 2, brotli: 4, lz4_raw: 7, uncompressed: 0 } as const;

export type ParquetCompression = keyof typeof codecNumbers;
export const parquetCompressions = Object.keys(codecNumbers) as readonly ParquetCompression[];

/** The key under which the footer holds the Arrow schema. */
export const arrowSchemaKey = "ARROW:schema";
