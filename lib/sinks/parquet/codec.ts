/** Loads the codecs of pages. Levels are those of pyarrow and Arrow's Rust library: zstd 1, brotli 1, gzip 6. */
import {
  brotli,
  type Compress,
  gzip,
  loadLz4Compress,
  loadSnappyCompress,
  loadZstdCompress,
} from "../../arrow/codec/packages.js";
import { SparkStreamError } from "../../errors.js";
import type { ParquetCompression } from "./format.js";

/**
 * Loads a codec; undefined for "uncompressed".
 *
 * @throws SparkStreamError UNSUPPORTED if the package of a codec cannot be loaded on this machine
 */
export async function loadCodec(name: ParquetCompression): Promise<Compress | undefined> {
  try {
    return await loaders[name]();
  } catch (cause) {
    const message =
      `Parquet's ${name} cannot be written: its optional package was not installed, or has no binary for this platform. ` +
      'Install it with npm, or choose another codec: { compression: "gzip" } always works, zstd does from Node 22.15 on.';
    throw new SparkStreamError("UNSUPPORTED", message, { cause });
  }
}

const loaders: { readonly [name in ParquetCompression]: () => Promise<Compress | undefined> } = {
  uncompressed: async () => undefined,
  gzip: async () => gzip,
  brotli: async () => brotli(1),
  zstd: () => loadZstdCompress(1),
  snappy: loadSnappyCompress,
  lz4_raw: loadLz4Compress,
};
