/**
 * Compression by node:zlib and by packages that are loaded when they are first needed. Compressing runs on the threads
 * of Node's pool.
 *
 * zstd is in node:zlib from Node 22.15 on; before that it is @toondepauw/node-zstd.
 */
import { promisify } from "node:util";
import * as zlib from "node:zlib";

/** The least that zlib accepts as the size of a piece of output. */
const MIN_CHUNK = 64;

export type Compress = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

// The types are those of a Node that has zstd.
const native = zlib as Partial<Pick<typeof zlib, "zstdCompress" | "zstdDecompressSync">>;

export const gzip: Compress = byZlib(promisify(zlib.gzip), {});

export function brotli(quality: number): Compress {
  return byZlib(promisify(zlib.brotliCompress), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: quality } });
}

export async function loadZstdCompress(level: number): Promise<Compress> {
  if (native.zstdCompress) {
    const params = { [zlib.constants.ZSTD_c_compressionLevel]: level };
    return byZlib(promisify(native.zstdCompress), { params });
  }
  const { Encoder } = await import("@toondepauw/node-zstd");
  const encoder = new Encoder(level);
  return (bytes) => encoder.encode(bufferOf(bytes));
}

export interface ZstdDecompress {
  /** Whether the decoder enforces `maxBytes`. If not, the caller must check a frame beforehand. */
  readonly bounded: boolean;
  decompress(frame: Uint8Array, maxBytes: number | undefined): Uint8Array;
}

export async function loadZstdDecompress(): Promise<ZstdDecompress> {
  const { zstdDecompressSync } = native;
  if (zstdDecompressSync) {
    return { bounded: true, decompress: (frame, maxBytes) => zstdDecompressSync(frame, inOneStep(maxBytes)) };
  }
  const { Decoder } = await import("@toondepauw/node-zstd");
  const decoder = new Decoder();
  return { bounded: false, decompress: (frame) => decoder.decodeSync(bufferOf(frame)) };
}

/** Loads the compressor of lz4 blocks, without frames. */
export async function loadLz4Compress(): Promise<Compress> {
  const { compress } = await import("lz4-napi");
  // The package writes the content's size, 4 bytes, before the block.
  return async (bytes) => (await compress(bytes)).subarray(4);
}

export async function loadLz4FrameDecompress(): Promise<(frame: Uint8Array) => Uint8Array> {
  const { decompressFrameSync } = await import("lz4-napi");
  return (frame) => decompressFrameSync(bufferOf(frame));
}

export async function loadSnappyCompress(): Promise<Compress> {
  const { compress } = await import("snappy");
  return (bytes) => compress(bytes);
}

/** Options with which zlib makes all of the output at once. By default it copies it together from pieces of 16 KiB. */
function inOneStep(maxOutputLength: number | undefined): ZlibOptions {
  if (maxOutputLength === undefined) return {};
  return { maxOutputLength, chunkSize: Math.max(MIN_CHUNK, maxOutputLength + 1) };
}

interface ZlibOptions {
  maxOutputLength?: number;
  chunkSize?: number;
  params?: Record<number, number>;
}

/** Compresses in one step: zlib returns to this thread after each `chunkSize` of output. */
function byZlib(
  compress: (bytes: Uint8Array<ArrayBuffer>, options: ZlibOptions) => Promise<Uint8Array>,
  options: ZlibOptions,
): Compress {
  return (bytes) => compress(bytes, { ...options, chunkSize: bytes.length + (bytes.length >> 7) + 1024 });
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
