import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { storedResult } from "../../lib/delivery/stored/stored-result.js";
import {
  removeResult,
  type Store,
  type StoredResult,
  type StoredResultOptions,
  sparkStream,
  urlStore,
} from "../../lib/index.js";
import { ROWS, streamOf } from "../support/int-streams.js";
import { MemoryStore } from "../support/memory-store.js";
import { errorOf } from "../support/scripted.js";

const DIRECTORY = "spark-arrow-result-20261126T101112345Z-0123456789ab";

describe("A stored result that is read by URLs", () => {
  const server = createServer();
  const memory = new MemoryStore();
  let result: StoredResult;
  let root: string;
  /** Answers a request, whose path is that of a file and a number of its URL. */
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  const ranges = ({ url = "", headers }: IncomingMessage, response: ServerResponse) => {
    const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range!)!;
    const bytes = memory.files.get(url.slice(1).replace(/\?.*/, ""))!;
    response.writeHead(206).end(bytes.subarray(Number(start), Number(last) + 1));
  };
  const idsOf = async (options: StoredResultOptions) => {
    const ids: number[] = [];
    for await (const batch of sparkStream(result, options)) ids.push(...batch.getChildAt(0)!.toArray());
    return ids;
  };
  const store = () => urlStore({ urlOf: (path) => `${root}/${path}?signature=hush` });

  before(async () => {
    server.on("request", (request, response) => answer(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const partitions = [0, 1].map((id) => {
      const file = memory.add(`${DIRECTORY}/p${id}.arrow`, streamOf(4, id * 4 * ROWS), 4 * ROWS);
      return { id, files: [file] };
    });
    result = storedResult("s3://bucket/tmp", DIRECTORY, streamOf(0), partitions);
  });
  beforeEach(() => {
    answer = ranges;
  });
  after(() => server.close());

  it("has all rows, and ranges of them", async () => {
    expect(await idsOf({ store: store() })).to.deep.equal(Array.from({ length: 8 * ROWS }, (_, id) => id));
    expect(await idsOf({ store: store(), from: { partition: 1, row: ROWS } })).to.have.length(3 * ROWS);
  });

  it("asks for another URL if one has expired", async () => {
    let signed = 0;
    const renewing = urlStore({ urlOf: async (path) => `${root}/${path}?expired=${signed++ < 2}` });
    answer = (request, response) =>
      request.url!.endsWith("true") ? response.writeHead(403).end("expired") : ranges(request, response);
    expect(await idsOf({ store: renewing })).to.have.length(8 * ROWS);
    expect(signed).to.be.above(2);
  });

  it("fails without a retry, and hides the URL, if the file does not exist or the server ignores ranges", async () => {
    for (const [status, text] of [
      [404, "the file does not exist (status 404)"],
      [200, "the server does not read ranges of files (status 200)"],
    ] as const) {
      let count = 0;
      answer = (_, response) => {
        count++;
        response.writeHead(status).end("x".repeat(100));
      };
      const error = await errorOf(idsOf({ store: store(), partitions: [1] }));
      expect(error).to.include({ code: "STORE_FAILED" });
      expect(error.message).to.include(text).and.not.include("hush");
      expect(count).to.equal(1);
    }
  });

  it("uses the given fetch", async () => {
    let count = 0;
    const own = urlStore({
      urlOf: (path) => `${root}/${path}`,
      fetch: (url, request) => {
        count++;
        return fetch(url, request);
      },
    });
    await idsOf({ store: own });
    expect(count).to.equal(2);
  });

  it("cannot be removed by them", async () => {
    expect(await errorOf(removeResult(result, { store: store() as Store }))).to.include({ code: "INVALID_ARGUMENT" });
  });

  it("is refused at the call without a function for URLs", () => {
    expect(() => urlStore({} as never)).to.throw('Option "urlOf" of urlStore() is missing');
  });
});
