import { Binary, Decimal, Field, Float64, Int64, List, Struct, Utf8 } from "apache-arrow";
import { expect } from "chai";
import { batchBounds } from "../../lib/delivery/push/batch-bounds.js";

const numbers = [new Field("id", new Int64()), new Field("x", new Float64()), new Field("d", new Decimal(2, 18))];
const text = new Field("text", new Utf8());
const unmeasured = { maxBytesPerBatch: 2 ** 31 - 1 };

describe("The bounds of a pushed batch", () => {
  it("are its rows alone where these cannot be long", () => {
    expect(batchBounds(numbers, undefined, 10_000)).to.deep.equal({ maxRecordsPerBatch: 10_000, ...unmeasured });
    expect(batchBounds(numbers, 50, 10_000)).to.deep.equal({ maxRecordsPerBatch: 50, ...unmeasured });
  });

  it("are fewer rows where there are strings, so that long ones are within 64 MiB as well", () => {
    const [one, four] = [[text], [text, text, text, text]].map((fields) => batchBounds(fields, undefined, 10_000));
    expect(one).to.deep.equal({ maxRecordsPerBatch: 4096, ...unmeasured });
    expect(four).to.deep.equal({ maxRecordsPerBatch: 1024, ...unmeasured });
    const inStruct = new Field("s", new Struct([text, text]));
    expect(batchBounds([inStruct], undefined, 10_000)).to.deep.equal({ maxRecordsPerBatch: 2048, ...unmeasured });
  });

  it("are 64 MiB where the session has no bound on rows", () => {
    expect(batchBounds(numbers, undefined, 0)).to.deep.equal({ maxRecordsPerBatch: (2 ** 26 / 48) | 0, ...unmeasured });
  });

  it("are Spark's own where a row can have any length, or batches would be small", () => {
    for (const type of [new Binary(), new List(new Field("item", new Int64()))]) {
      const fields = [...numbers, new Field("any", type)];
      expect(batchBounds(fields, undefined, 10_000)).to.deep.equal({});
      expect(batchBounds(fields, undefined, 0)).to.deep.equal({});
      expect(batchBounds(fields, 20, 10_000)).to.deep.equal({ maxRecordsPerBatch: 20 });
    }
    const texts = Array.from({ length: 5 }, () => text);
    expect(batchBounds(texts, undefined, 10_000)).to.deep.equal({});
  });

  it("are the rows asked for, measured where these may be more than 64 MiB", () => {
    expect(batchBounds([text], 4096, 10_000)).to.deep.equal({ maxRecordsPerBatch: 4096, ...unmeasured });
    expect(batchBounds([text], 4097, 10_000)).to.deep.equal({ maxRecordsPerBatch: 4097 });
  });

  it("are the session's where these are few", () => {
    expect(batchBounds([text], undefined, 10)).to.deep.equal({ maxRecordsPerBatch: 10, ...unmeasured });
  });
});
