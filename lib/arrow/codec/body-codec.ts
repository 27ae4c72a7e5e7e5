/**
 * The codecs for compressed Arrow bodies. Nothing is loaded until the first compressed body arrives.
 *
 * zstd: node:zlib if that has it (Node 22.15 and later), else @toondepauw/node-zstd. lz4 (frame format): lz4-napi.
 */
import { SparkStreamError } from "../../errors.js";
import { invalidIpc } from "../decode/invalid-ipc.js";
import type { CodecName } from "../format.js";
import { lz4ContentBound } from "./lz4-frame.js";
import { loadLz4FrameDecompress, loadZstdDecompress } from "./packages.js";
import { zstdContentBound, zstdFrameHeader } from "./zstd-frame.js";

/** Decompresses one buffer of a body; `length` is its decompressed size in bytes, if known. */
export type BodyCodec = (compressed: Uint8Array, length: number | undefined) => Uint8Array;

/**
 * The most bytes that one byte can expand to: an RLE block of zstd turns 4 bytes into 128 KiB, a run of lz4 1 into 255.
 */
const maxExpansion = { zstd: 32768, lz4: 255 } as const;

/**
 * The window, in bytes, that every decoder should support (RFC 8878, 3.1.1.1.2); a larger one only for larger content.
 */
const ZSTD_WINDOW = 8 * 1024 * 1024;

/** The size, in bytes, that any buffer may decompress to, whatever it should hold. */
const SMALL = 64 * 1024 * 1024;

const loaded = new Map<CodecName, BodyCodec>();

/** The codec if it is already loaded, else undefined. */
export function codecIfLoaded(name: CodecName): BodyCodec | undefined {
  return loaded.get(name);
}

/** Loads a codec. @throws SparkStreamError UNSUPPORTED if its package cannot be loaded on this machine. */
export async function loadCodec(name: CodecName): Promise<BodyCodec> {
  const codec = checked(name, name === "zstd" ? await loadZstd() : await loadLz4());
  loaded.set(name, codec);
  return codec;
}

async function loadZstd(): Promise<BodyCodec> {
  try {
    const { bounded, decompress } = await loadZstdDecompress();
    return (compressed, length) => {
      checkZstdFrame(compressed, length);
      if (!bounded) checkContent(zstdContentBound(compressed), compressed, length, maxExpansion.zstd);
      return decompress(compressed, length === undefined ? undefined : Math.max(length, 1));
    };
  } catch (cause) {
    const advice = 'Use Node 22.15 or later, or ask for no codec: sparkStream(df, { compression: "none" })';
    throw unavailable("zstd", "@toondepauw/node-zstd", advice, cause);
  }
}

/**
 * Checks the sizes that a frame claims, which are allocated before it is read: no more than it can, or should, hold.
 */
function checkZstdFrame(frame: Uint8Array, length = frame.length * maxExpansion.zstd): void {
  const { contentSize, windowSize } = zstdFrameHeader(frame);
  if ((contentSize ?? 0) > length || windowSize > Math.max(length, ZSTD_WINDOW)) {
    throw new RangeError(`The frame holds ${contentSize} bytes, of ${length}, and wants a window of ${windowSize}.`);
  }
}

/**
 * Checks a frame for a decoder without a limit of its own. Blocks are rarely full, so the bound of a few blocks may
 * exceed what they really hold.
 *
 * @param bound bytes that the frame's blocks can hold at most
 */
function checkContent(bound: number, frame: Uint8Array, length: number | undefined, expansion: number): void {
  const expected = length ?? frame.length * expansion;
  if (bound > Math.max(4 * expected, SMALL)) throw new RangeError(`The frame may hold ${bound} bytes, of ${expected}.`);
}

async function loadLz4(): Promise<BodyCodec> {
  try {
    const decompress = await loadLz4FrameDecompress();
    return (compressed, length) => {
      checkContent(lz4ContentBound(compressed), compressed, length, maxExpansion.lz4);
      return decompress(compressed);
    };
  } catch (cause) {
    throw unavailable("lz4", "lz4-napi", 'Ask for another codec: sparkStream(df, { compression: "zstd" })', cause);
  }
}

function unavailable(codec: CodecName, name: string, advice: string, cause: unknown): SparkStreamError {
  const message = `The server sends ${codec}-compressed batches, and the optional package ${name} cannot be loaded: it was not installed (npm install ${name}), or has no binary for this platform. ${advice}.`;
  return new SparkStreamError("UNSUPPORTED", message, { cause });
}

function checked(name: CodecName, codec: BodyCodec): BodyCodec {
  return (compressed, length) => {
    if (compressed.length === 0 && !length) return new Uint8Array(0); // Arrow's Java library writes no frame if empty
    if (length !== undefined && length > compressed.length * maxExpansion[name]) {
      throw invalidIpc(`a ${name} buffer of ${compressed.length} bytes claims to hold ${length}`);
    }
    let decompressed: Uint8Array;
    try {
      decompressed = codec(compressed, length);
    } catch (cause) {
      throw invalidIpc(`a ${name} buffer of ${compressed.length} bytes cannot be decompressed`, cause);
    }
    if (length !== undefined && decompressed.length !== length) {
      throw invalidIpc(`a ${name} buffer decompressed to ${decompressed.length} bytes and not to ${length}`);
    }
    // A typed array needs aligned bytes, and a codec may return a slice of a pool.
    return decompressed.byteOffset % 8 === 0 ? decompressed : new Uint8Array(decompressed);
  };
}
