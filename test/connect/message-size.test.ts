// What one message of a server may come to.
import { create, toBinary } from "@bufbuild/protobuf";
import { compressionAlgorithms } from "@grpc/grpc-js";
import { expect } from "chai";
import { ExecutePlanResponseSchema } from "../../lib/connect/generated/spark-connect_pb.js";
import { connect, sparkStream } from "../../lib/index.js";
import { startRawServer } from "../support/raw-server.js";
import { errorOf } from "../support/scripted.js";

const MIB = 2 ** 20;

const message = (bytes: number) =>
  toBinary(
    ExecutePlanResponseSchema,
    create(ExecutePlanResponseSchema, {
      responseId: "a",
      responseType: { case: "arrowBatch", value: { data: new Uint8Array(bytes), rowCount: 1n } },
    }),
  );

describe("A message that is larger than the client accepts", () => {
  const ways = {
    "": {},
    " when gRPC has decompressed it": { "grpc.default_compression_algorithm": compressionAlgorithms.gzip },
  };
  for (const [way, options] of Object.entries(ways)) {
    it(`is MESSAGE_TOO_LARGE${way}, and the limit is that of the URL`, async () => {
      await using server = await startRawServer(() => [message(3 * MIB)], options);
      await using small = await connect(`${server.url}/;grpc_max_message_size=${2 * MIB}`);
      const error = await errorOf(sparkStream(small.sql("SELECT 1")).toArray());
      expect(error.code).to.equal("MESSAGE_TOO_LARGE");
      expect(error.message).to.match(/limit of 2097152 bytes.*(than max|than) .*grpc_max_message_size/);
      await using large = await connect(`${server.url}/;grpc_max_message_size=${4 * MIB}`);
      expect((await errorOf(sparkStream(large.sql("SELECT 1")).toArray())).code).to.equal("INVALID_IPC");
    });
  }

  // A message of 5 MB came to 3.5 GB.
  it("is refused by default when it comes to more than 128 MiB, however small it arrives", async () => {
    const options = { "grpc.default_compression_algorithm": compressionAlgorithms.gzip };
    await using server = await startRawServer(() => [message(129 * MIB)], options);
    await using spark = await connect(server.url);
    const error = await errorOf(sparkStream(spark.sql("SELECT 1")).toArray());
    expect(error.code).to.equal("MESSAGE_TOO_LARGE");
    expect(error.message).to.include("134217728 bytes");
  });
});
