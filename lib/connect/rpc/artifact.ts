/**
 * The messages that an artifact is uploaded in. What fits into one piece goes in a Batch, which Spark demands; the rest is
 * announced by its size and the number of pieces. Memory: one piece.
 */
import { crc32 } from "node:zlib";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type AddArtifactsRequest, AddArtifactsRequestSchema } from "../generated/spark-connect_pb.js";

/** As Spark's own clients send. */
const PIECE_BYTES = 32 * 1024;

export interface ArtifactBytes {
  readonly size: number;
  readonly pieces: readonly Uint8Array[];
}

/** @param common what every request carries */
export function* artifactRequests(
  common: Partial<MessageInitShape<typeof AddArtifactsRequestSchema>>,
  name: string,
  { size, pieces }: ArtifactBytes,
): Generator<AddArtifactsRequest> {
  const request = (payload: MessageInitShape<typeof AddArtifactsRequestSchema>["payload"]) =>
    create(AddArtifactsRequestSchema, { ...common, payload } as MessageInitShape<typeof AddArtifactsRequestSchema>);
  const numChunks = Math.max(1, Math.ceil(size / PIECE_BYTES));
  let first = true;
  for (const data of cut(pieces, size)) {
    const chunk = { data, crc: BigInt(crc32(data)) };
    if (numChunks === 1) yield request({ case: "batch", value: { artifacts: [{ name, data: chunk }] } });
    else if (!first) yield request({ case: "chunk", value: chunk });
    else {
      const value = { name, totalBytes: BigInt(size), numChunks: BigInt(numChunks), initialChunk: chunk };
      yield request({ case: "beginChunk", value });
    }
    first = false;
  }
}

/** The same bytes in pieces of PIECE_BYTES; the last may be shorter. */
function* cut(pieces: readonly Uint8Array[], size: number): Generator<Uint8Array> {
  let piece = new Uint8Array(Math.min(PIECE_BYTES, size));
  let [filled, left] = [0, size];
  for (const bytes of pieces) {
    for (let from = 0; from < bytes.length; ) {
      if (filled === 0 && bytes.length - from >= PIECE_BYTES) {
        yield bytes.subarray(from, from + PIECE_BYTES);
        from += PIECE_BYTES;
        left -= PIECE_BYTES;
        continue;
      }
      if (filled === 0) piece = new Uint8Array(Math.min(PIECE_BYTES, left));
      const taken = Math.min(bytes.length - from, piece.length - filled);
      piece.set(bytes.subarray(from, from + taken), filled);
      filled += taken;
      from += taken;
      if (filled < piece.length) continue;
      yield piece;
      left -= piece.length;
      filled = 0;
    }
  }
  if (size === 0) yield piece;
}
