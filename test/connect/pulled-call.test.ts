import { Client, credentials } from "@grpc/grpc-js";
import { expect } from "chai";

describe("grpc-js's Call, which streams are read by", () => {
  it("has the methods that are called: if this fails, a version of grpc-js needs another lib/connect/rpc/pulled-call.ts", () => {
    const client = new Client("127.0.0.1:1", credentials.createInsecure());
    try {
      const call = client.getChannel().createCall("/a/b", Number.POSITIVE_INFINITY, null, null, null);
      for (const method of ["start", "startRead", "sendMessageWithContext", "halfClose", "cancelWithStatus"] as const) {
        expect(call[method], method).to.be.a("function");
      }
    } finally {
      client.close();
    }
  });
});
