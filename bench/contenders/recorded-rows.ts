import { open } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { ExecutePlanResponseSchema } from "../../lib/connect/generated/spark-connect_pb.js";

/** The rows of a recording, each with a batch; the first `count` of them. */
export async function* recordedRows(
  path: string,
  count = Number.POSITIVE_INFINITY,
): AsyncGenerator<{ arrow_ipc_bytes: Uint8Array }> {
  await using file = await open(path);
  const { size } = await file.stat();
  for (let found = 0, position = 0; found < count && position < size; ) {
    const prefix = Buffer.alloc(5);
    await file.read(prefix, 0, 5, position);
    const message = Buffer.alloc(prefix.readUInt32BE(1));
    await file.read(message, 0, message.length, position + 5);
    position += 5 + message.length;
    const { responseType } = fromBinary(ExecutePlanResponseSchema, message);
    if (responseType.case !== "arrowBatch") continue;
    found++;
    yield { arrow_ipc_bytes: responseType.value.data };
  }
}
