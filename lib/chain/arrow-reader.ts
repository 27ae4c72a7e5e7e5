import { compressionRegistry, type RecordBatch, RecordBatchReader } from "apache-arrow";
import { codecNames, loadCodec } from "./body-codec.js";

let registered: Promise<void> | undefined;

/**
 * The record batches of a blob by apache-arrow's own reader, for schemas that `RecordBatchPlan` does not cover: slower,
 * and complete. apache-arrow knows no codec by itself: the ones of this package are given to it, unless the user did so.
 */
export async function readWithArrow(bytes: Uint8Array): Promise<RecordBatch[]> {
  registered ??= registerCodecs();
  await registered;
  return [...RecordBatchReader.from(bytes)];
}

async function registerCodecs(): Promise<void> {
  for (const [type, name] of codecNames.entries()) {
    if (compressionRegistry.get(type)) continue;
    const codec = await loadCodec(name).catch(() => undefined);
    if (codec) compressionRegistry.set(type, { decode: (data) => codec(data, undefined) });
  }
}
