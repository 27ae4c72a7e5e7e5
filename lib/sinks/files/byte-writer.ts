import type { Writable } from "node:stream";
import { targetOf } from "./target-of.js";
import { TargetWriter } from "./target-writer.js";

/**
 * A Writable of bytes that go to a file as they are, which appears when it is complete.
 *
 * @throws SparkStreamError INVALID_ARGUMENT for a target that is none
 */
export function byteWriter(target: string | URL | Writable): Writable {
  return new ByteWriter(targetOf(target), { decodeStrings: true, highWaterMark: 1 });
}

class ByteWriter extends TargetWriter {
  protected override take(chunk: Uint8Array): Promise<void> {
    return this.target.write(chunk);
  }
}
