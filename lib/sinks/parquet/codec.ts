/**
 * Codecs for pages. They work on the threads of Node's pool, while this one goes on. Packages are loaded when a file is written
 * with their codec.
 *
 * zstd: node:zlib where it has it (Node 22.15 and later), else @toondepauw/node-zstd. Levels are those of pyarrow and Arrow's
 * Rust library: zstd 1, brotli 1, gzip 6.
 */
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { SparkStreamError } from "../../errors.js";
import type { ParquetCompression } from "./file-options.js";

export type Compress = (page: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/**
 * Undefined for "uncompressed".
 *
 * @throws SparkStreamError UNSUPPORTED where the package of a codec cannot be loaded on this machine
 */
export async function loadCodec(name: ParquetCompression): Promise<Compress | undefined> {
  try {
    return await loaders[name]();
  } catch (cause) {
    const message =
      `Parquet's ${name} cannot be written on this platform, for which its package has no binary. ` +
      'Ask for another codec: { compression: "gzip" } always works; zstd does from Node 22.15 on.';
    throw new SparkStreamError("UNSUPPORTED", message, { cause });
  }
}

const loaders: { readonly [name in ParquetCompression]: () => Promise<Compress | undefined> } = {
  uncompressed: async () => undefined,
  gzip: async () => byZlib(promisify(zlib.gzip), {}),
  brotli: async () => byZlib(promisify(zlib.brotliCompress), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
  async zstd() {
    // The types are those of a Node that has it; older ones have not.
    const native = zlib.zstdCompress as typeof zlib.zstdCompress | undefined;
    if (native) return byZlib(promisify(native), { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } });
    const { Encoder } = await import("@toondepauw/node-zstd");
    const encoder = new Encoder(1);
    return (page) => encoder.encode(bufferOf(page));
  },
  async snappy() {
    const { compress } = await import("snappy");
    return (page) => compress(page);
  },
  async lz4_raw() {
    const { compress } = await import("lz4-napi");
    // In front of the block it puts the size of its content.
    return async (page) => (await compress(page)).subarray(4);
  },
};

interface ZlibOptions {
  chunkSize?: number;
  params?: Record<number, number>;
}

/** In one step: zlib comes back to this thread for each `chunkSize` of output. */
function byZlib(
  compress: (page: Uint8Array<ArrayBuffer>, options: ZlibOptions) => Promise<Uint8Array>,
  options: ZlibOptions,
): Compress {
  return (page) => compress(page, { ...options, chunkSize: page.length + (page.length >> 7) + 1024 });
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
