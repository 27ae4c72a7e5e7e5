import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { type SparkStreamError, sparkStream } from "../../lib/index.js";
import { FileStore } from "../../lib/store/file-store.js";
import { checkStoreUri } from "../../lib/store/store.js";
import { isExpired, newDirectory } from "../../lib/store/stream-directory.js";
import { checkStreamOptions, type SparkStreamOptions } from "../../lib/stream-options.js";

const day = 24 * 60 * 60 * 1000;

describe("A stream's directory in a store", () => {
  it("has the time in its name, and counts as left over a day later", () => {
    const now = new Date("2026-11-26T10:11:12.345Z");
    const name = newDirectory(false, now);
    expect(name).to.match(/^spark-arrow-stream-20261126T101112345Z-[0-9a-f]{12}$/);
    expect(newDirectory(false, now)).not.to.equal(name);
    expect(isExpired(name, now.getTime() + day)).to.equal(false);
    expect(isExpired(name, now.getTime() + day + 1)).to.equal(true);
  });

  it("never counts as left over if it is to be kept, or is somebody else's", () => {
    for (const name of [newDirectory(true, new Date(0)), "spark-arrow-stream-1", "spark-arrow-stream-", "x", ".."]) {
      expect(isExpired(name), name).to.equal(false);
    }
  });
});

describe("A directory as a store", () => {
  let path: string;
  let store: FileStore;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), "spark-arrow-stream-a b-"));
    store = new FileStore(`${pathToFileURL(path).href}/`);
  });
  afterEach(() => rm(path, { recursive: true }));

  it("gives a stream's directory its own mode, so that executors that run as another user can write there", async () => {
    await mkdir(join(path, "shared"));
    await chmod(join(path, "shared"), 0o1777); // past the umask
    const shared = new FileStore(pathToFileURL(join(path, "shared")).href);
    await shared.create("one");
    const [own, parent] = [await stat(join(path, "shared", "one")), await stat(join(path, "shared"))];
    expect(own.mode).to.equal(parent.mode);
  });

  it("reads ranges, lists directories only, and removes what is in them", async () => {
    await store.create("one");
    await writeFile(join(path, "one", "file"), "0123456789");
    await writeFile(join(path, "other"), "");
    const { signal } = new AbortController();
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.open("one/file", { start: 2, end: 5, signal })) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).to.equal("234");
    expect(await store.list()).to.deep.equal(["one"]);
    await store.remove("one");
    await store.remove("one");
    expect(await readdir(path)).to.deep.equal(["other"]);
    expect(store.executors.path).to.equal(path);
  });
});

describe("The options of a stored stream", () => {
  const refusal = (options: object) => {
    try {
      checkStreamOptions("sparkStream()", options as SparkStreamOptions);
    } catch (error) {
      return error as SparkStreamError;
    }
    return expect.fail("it was accepted");
  };

  it("are refused if they do not fit together", () => {
    const store = { uri: "file:///tmp" };
    const wrong: [object, string][] = [
      [{ delivery: "stored" }, 'Option "delivery" of sparkStream() needs a "store"'],
      [{ store }, 'Option "store" of sparkStream() needs delivery: "stored"'],
      [{ delivery: "push", stored: {} }, 'Option "stored" of sparkStream() needs delivery: "stored"'],
      [{ delivery: "stored", store: {} }, 'Option "store" of sparkStream() must be'],
      [{ delivery: "stored", store: { uri: "file:///tmp", open() {} } }, 'Option "store" of sparkStream() must be'],
      [{ delivery: "stored", store: { ...store, timeoutMs: 0 } }, 'Option "store" of sparkStream() must be'],
      [{ delivery: "stored", store: { ...store, open() {} } }, 'Option "store" of sparkStream() must be'],
      [{ delivery: "stored", store, stored: { order: "size" } }, 'Option "stored.order" of sparkStream() must be'],
    ];
    for (const [options, message] of wrong) {
      expect(refusal(options), message).to.have.property("code", "INVALID_ARGUMENT");
      expect(refusal(options).message).to.include(message);
    }
    expect(() => sparkStream([], { delivery: "stored", store })).to.throw("needs a DataFrame");
  });

  it("are refused with the URI of an unknown store, without its secrets", () => {
    for (const uri of [
      "s3://key:hush@bucket/tmp",
      "ftp://x?sig=hush",
      "file://host/tmp",
      "file:tmp",
      "/tmp",
      "file:///",
    ]) {
      expect(() => checkStoreUri({ uri }), uri)
        .to.throw("is not known")
        .with.property("message")
        .that.does.not.include("hush");
    }
  });
});
