// What the package takes from the inside of apache-arrow: a version that differs fails here, and not at a user's.
import {
  Field,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchReader,
  Schema,
  Struct,
  Table,
  tableToIPC,
} from "apache-arrow";
import { expect } from "chai";
import { encodableSchema } from "../../lib/arrow/encodable-schema.js";
import { makeRecordBatch } from "../../lib/arrow/record-batch.js";

const schema = new Schema([new Field("id", new Int32(), true)]);
const data = makeData({
  type: new Struct(schema.fields),
  length: 2,
  nullCount: 0,
  children: [makeData({ type: new Int32(), data: Int32Array.of(1, 2) })],
});

describe("Of apache-arrow", () => {
  it("a RecordBatch has the properties that one made past its constructor has, and no others", () => {
    const [theirs, ours] = [new RecordBatch(schema, data), makeRecordBatch(schema, data)];
    expect(Object.keys(ours)).to.have.members(Object.keys(theirs));
    expect(ours.toArray().map((row) => row?.toJSON())).to.deep.equal([{ id: 1 }, { id: 2 }]);
    expect(new Table([ours]).numRows).to.equal(2);
  });

  it("a field without a name is written with an empty one only if the name is not falsy", () => {
    const unnamed = new Schema([new Field("", new Struct([new Field("", new Int32(), true)]), true)]);
    const names = (written: Schema) => {
      const reader = RecordBatchReader.from(tableToIPC(new Table(written), "stream")).open();
      const [field] = reader.schema.fields;
      return [field!.name, (field!.type as Struct).children[0]!.name];
    };
    expect(names(unnamed), "as apache-arrow writes it").to.deep.equal([null, null]);
    expect(names(encodableSchema(unnamed))).to.deep.equal(["", ""]);
  });
});
