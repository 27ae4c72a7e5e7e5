import { type DataType, Int8, TimestampMicrosecond, Type } from "apache-arrow";
import { expect } from "chai";
import { arrowType, byType, type TypeName, type TypeTable } from "../../lib/arrow/arrow-type.js";

/** The types of apache-arrow by their numbers; those of subclasses are negative, and so is that of a dictionary. */
const apacheArrowTypes = Object.entries(Type).flatMap(([name, id]) => (typeof id === "number" && id > 0 ? [name] : []));

const names = Object.fromEntries(
  [...apacheArrowTypes, "Dictionary"].map((name) => [name, () => name]),
) as unknown as TypeTable<TypeName>;

describe("The list of Arrow's types", () => {
  it("is apache-arrow's: if this fails, a version of it has another type, to which each table needs a line", () => {
    const known: TypeTable<true> = {
      Null: () => true,
      Bool: () => true,
      Int: () => true,
      Float: () => true,
      Decimal: () => true,
      Utf8: () => true,
      LargeUtf8: () => true,
      Utf8View: () => true,
      Binary: () => true,
      LargeBinary: () => true,
      BinaryView: () => true,
      FixedSizeBinary: () => true,
      Date: () => true,
      Time: () => true,
      Timestamp: () => true,
      Duration: () => true,
      Interval: () => true,
      Struct: () => true,
      List: () => true,
      LargeList: () => true,
      FixedSizeList: () => true,
      Map: () => true,
      Union: () => true,
      Dictionary: () => true,
    };
    expect([...apacheArrowTypes, "Dictionary"]).to.have.members(Object.keys(known));
  });

  it("knows a subclass by the type that it is one of", () => {
    expect(byType(new Int8(), names)).to.equal("Int");
    const timestamp = arrowType(new TimestampMicrosecond("UTC"));
    expect(timestamp.typeId === Type.Timestamp && timestamp.timezone).to.equal("UTC");
  });

  it("refuses a type that it lacks, with UNSUPPORTED_TYPE", () => {
    const later = { typeId: 99, toString: () => "Later" } as unknown as DataType;
    expect(() => byType(later, names))
      .to.throw("The Arrow type Later is not supported.")
      .with.property("code", "UNSUPPORTED_TYPE");
  });
});
