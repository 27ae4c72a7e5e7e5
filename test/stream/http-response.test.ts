// Queries into HTTP responses: what the client sees where they fail, and what is left when the client leaves.
import { once } from "node:events";
import { connect as connectHttp2, createServer as createHttp2Server, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { mock } from "node:test";
import { Field, Int32, List, vectorFromArray } from "apache-arrow";
import { expect } from "chai";
import { csvWriter, ndjsonWriter, sparkStream } from "../../lib/index.js";
import { type ScriptedServerOptions, sparkError } from "../../lib/testing/index.js";
import { batchOf, failureOf } from "../support/ipc.js";
import { formats, get, leave, queryServer } from "../support/query-server.js";
import { idBatches, scripted, within } from "../support/scripted.js";

const failing = { message: "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012", errorClass: "DIVIDE_BY_ZERO" };
const large = Array<number>(40).fill(5_000);

async function serve(options: ScriptedServerOptions) {
  const setting = await scripted(options);
  const http = await queryServer(() => setting.spark.table("t"));
  return {
    ...http,
    server: setting.server,
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]();
      await setting[Symbol.asyncDispose]();
    },
  };
}

describe("A query into an HTTP response", () => {
  for (const format of formats) {
    describe(`as ${format}`, () => {
      it("is all there, with status 200", async () => {
        await using http = await serve({ batches: idBatches(...large) });
        const { status, bytes, complete } = await get(http.url(format));
        expect([status, complete]).to.deep.equal([200, true]);
        expect(bytes).to.be.above(format === "csv.gz" ? 300_000 : 1_000_000);
        expect(http.errors).to.deep.equal([]);
      });

      it("that Spark refuses is answered with a status, again and again", async () => {
        await using http = await serve({
          batches: idBatches(1),
          respond: {
            executePlan() {
              throw sparkError(failing);
            },
          },
        });
        for (let time = 0; time < 3; time++) {
          const { status, text, complete } = await get(http.url(format));
          expect([status, complete]).to.deep.equal([400, true]);
          expect(text).to.contain("DIVIDE_BY_ZERO");
        }
      });

      it("that fails at its first row, after its schema, is answered with a status", async () => {
        await using http = await serve({ batches: idBatches(10), faults: [{ after: 1, do: { status: failing } }] });
        const { status, text, complete } = await get(http.url(format));
        expect([status, complete]).to.deep.equal([400, true]);
        expect(text).to.contain("DIVIDE_BY_ZERO");
      });

      it("that fails after megabytes is a response that breaks off, and no complete one", async () => {
        await using http = await serve({
          batches: idBatches(...large),
          faults: [{ operation: 0, after: 35, do: { status: failing } }],
        });
        const { status, bytes, complete } = await get(http.url(format));
        expect([status, complete]).to.deep.equal([200, false]);
        expect(bytes).to.be.above(0); // an error drops what was read ahead
        expect(http.errors).to.have.length(1);
        expect(http.errors[0]).to.have.property("code", "QUERY_FAILED");
        expect(await get(http.url(format))).to.include({ status: 200, complete: true });
      });

      for (const early of format.startsWith("csv") ? [false] : [false, true]) {
        it(`is stopped on the server when the client leaves ${early ? "before" : "after"} the first bytes`, async () => {
          await using http = await serve({
            batches: idBatches(...large),
            faults: [{ operation: 0, after: early ? 1 : 20, do: "stall" }],
          });
          const asked = within(5_000, () => expect(http.server.operations).to.have.length(1));
          await leave(http.url(format), early ? asked : undefined);
          await within(5_000, () => {
            expect(http.server.operations[0]).to.include({ state: "released", stopped: true });
            expect(http.errors).to.have.length(1);
          });
          const expected = format !== "arrow" ? "TARGET_CLOSED" : early ? "ABORT_ERR" : /ABORT_ERR|PREMATURE_CLOSE/;
          expect(http.errors[0]!.code).to.match(new RegExp(expected));
          expect(await get(http.url(format))).to.include({ status: 200, complete: true });
        });
      }
    });
  }

  it("of a type that the format cannot hold is answered with a status", async () => {
    const list = vectorFromArray([[1]], new List(new Field("item", new Int32())));
    await using http = await serve({ batches: [batchOf({ list })] });
    const { status, text } = await get(http.url("csv"));
    expect(status).to.equal(500);
    expect(text).to.contain("`list`");
  });

  it("is answered over HTTP/2 as well", async () => {
    await using setting = await scripted({
      batches: idBatches(10),
      faults: [{ operation: 0, after: 1, do: { status: failing } }],
    });
    const server = createHttp2Server((_request, response: Http2ServerResponse) => {
      pipeline(sparkStream(setting.spark.table("t")), ndjsonWriter(response as unknown as Writable)).catch((error) => {
        if (!response.headersSent) response.writeHead(400).end((error as Error).message);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (const expected of [400, 200]) {
      const stream = client.request({ ":path": "/" });
      const [headers] = await once(stream, "response");
      expect(headers[":status"]).to.equal(expected);
      await stream.resume().toArray();
    }
    client.close();
    server.close();
  });
});

describe("A writer on a response of which nothing was sent", () => {
  /** As an HTTP response is to a writer. */
  const response = () => Object.assign(new PassThrough(), { headersSent: false });
  const boom = new Error("boom");
  const fail = async (target: Writable) => {
    const source = new Readable({ objectMode: true, read: () => void source.destroy(boom) });
    expect(await failureOf(pipeline(source, csvWriter(target)))).to.equal(boom);
  };

  it("leaves it alone, and destroys it if nobody has answered after five seconds", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const [ignored, answered] = [response(), response()];
      await fail(ignored);
      await fail(answered);
      answered.end("an error");
      mock.timers.tick(4_999);
      expect(ignored.destroyed).to.equal(false);
      mock.timers.tick(1);
      expect([ignored.destroyed, ignored.errored]).to.deep.equal([true, boom]);
      expect(answered.errored).to.equal(null);
    } finally {
      mock.timers.reset();
    }
  });

  it("destroys any other target at once, and a response whose head was sent", async () => {
    for (const target of [new PassThrough(), Object.assign(response(), { headersSent: true })]) {
      await fail(target);
      await within(1_000, () => expect(target.errored).to.equal(boom));
    }
  });
});

describe("A target", () => {
  const endless = function* () {
    for (;;) yield idBatches(1)[0];
  };
  const codeOf = async (target: Writable) =>
    (await failureOf(pipeline(endless, csvWriter(target)))) as Error & { code: string };
  const fails = (code?: string) =>
    new PassThrough({ transform: (_chunk, _encoding, callback) => callback(Object.assign(new Error("no"), { code })) });

  it("whose other end has gone is TARGET_CLOSED, and one that fails is WRITE_FAILED", async () => {
    for (const code of ["EPIPE", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED"]) {
      const error = await codeOf(fails(code));
      expect([error.code, (error.cause as NodeJS.ErrnoException).code]).to.deep.equal(["TARGET_CLOSED", code]);
    }
    for (const code of ["ENOSPC", "EIO", undefined]) expect((await codeOf(fails(code))).code).to.equal("WRITE_FAILED");
    const closing = new PassThrough();
    closing.once("data", () => closing.destroy());
    expect((await codeOf(closing)).code).to.equal("TARGET_CLOSED");
    expect((await codeOf(new PassThrough().destroy())).code).to.equal("TARGET_CLOSED");
    expect((await codeOf(new PassThrough().end())).code).to.equal("WRITE_FAILED");
  });
});
