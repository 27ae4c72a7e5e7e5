import { expect } from "chai";
import { cacheDir } from "../../lib/local/cache-dir.js";

describe("the cache directory", () => {
  it("is in ~/.cache on Linux and in ~/Library/Caches on macOS", () => {
    expect(cacheDir({ HOME: "/home/ann" }, "linux")).to.equal("/home/ann/.cache/spark-arrow-stream");
    expect(cacheDir({ HOME: "/Users/ann" }, "darwin")).to.equal("/Users/ann/Library/Caches/spark-arrow-stream");
  });

  it("follows XDG_CACHE_HOME on Linux, unless that is relative", () => {
    expect(cacheDir({ HOME: "/h", XDG_CACHE_HOME: "/var/x" }, "linux")).to.equal("/var/x/spark-arrow-stream");
    expect(cacheDir({ HOME: "/h", XDG_CACHE_HOME: "x" }, "linux")).to.equal("/h/.cache/spark-arrow-stream");
  });

  it("is what SPARK_ARROW_STREAM_CACHE says, on every platform", () => {
    const env = { HOME: "/h", XDG_CACHE_HOME: "/var/x", SPARK_ARROW_STREAM_CACHE: "/data/cache" };
    expect(cacheDir(env, "linux")).to.equal("/data/cache");
    expect(cacheDir(env, "darwin")).to.equal("/data/cache");
  });
});
