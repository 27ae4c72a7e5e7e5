import {
  Binary,
  BinaryView,
  Bool,
  type DataType,
  Date_,
  Decimal,
  Dictionary,
  Duration,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float,
  Int,
  Interval,
  LargeBinary,
  LargeList,
  LargeUtf8,
  List,
  Map_,
  Null,
  Schema,
  Struct,
  Time,
  Timestamp,
  Union,
  Utf8,
  Utf8View,
} from "apache-arrow";
import { byType } from "./arrow-type.js";
import { arrowZone } from "./arrow-zone.js";

/**
 * Returns the schema that a writer writes. Every writer gets its schema here, so if a type is missing or wrong in a
 * file of any format, look here first.
 *
 * Its time zones are those that Arrow's readers know. Its types are classes of the apache-arrow that this package
 * imports: types of another copy (of a program that `require`s it, say) pass our `instanceof`, but when our copy writes
 * them to IPC their type is lost: an error at best, wrong types at worst.
 */
export function writerSchema(fields: readonly Field[], metadata: ReadonlyMap<string, string>): Schema {
  // Fields that share a dictionary must share its type.
  const dictionaries = new Map<DataType, DataType>();
  return new Schema(
    fields.map((field) => writerField(field, dictionaries)),
    new Map(metadata),
  );
}

function writerField(field: Field, dictionaries: Map<DataType, DataType>): Field {
  // Another writer may have omitted an empty name.
  return new Field(field.name ?? "", writerType(field.type, dictionaries), field.nullable, new Map(field.metadata));
}

function writerType(type: DataType, dictionaries: Map<DataType, DataType>): DataType {
  const own = (field: Field) => writerField(field, dictionaries);
  return byType<DataType>(type, {
    Null: () => new Null(),
    Bool: () => new Bool(),
    Int: ({ isSigned, bitWidth }) => new Int(isSigned, bitWidth),
    Float: ({ precision }) => new Float(precision),
    Decimal: ({ scale, precision, bitWidth }) => new Decimal(scale, precision, bitWidth),
    Utf8: () => new Utf8(),
    LargeUtf8: () => new LargeUtf8(),
    Utf8View: () => new Utf8View(),
    Binary: () => new Binary(),
    LargeBinary: () => new LargeBinary(),
    BinaryView: () => new BinaryView(),
    FixedSizeBinary: ({ byteWidth }) => new FixedSizeBinary(byteWidth),
    Date: ({ unit }) => new Date_(unit),
    Time: ({ unit, bitWidth }) => new Time(unit, bitWidth),
    Timestamp: ({ unit, timezone }) => new Timestamp(unit, timezone && arrowZone(timezone)),
    Duration: ({ unit }) => new Duration(unit),
    Interval: ({ unit }) => new Interval(unit),
    Struct: ({ children }) => new Struct(children.map(own)),
    List: ({ children }) => new List(own(children[0]!)),
    LargeList: ({ children }) => new LargeList(own(children[0]!)),
    FixedSizeList: ({ listSize, children }) => new FixedSizeList(listSize, own(children[0]!)),
    Map: ({ children, keysSorted }) => new Map_(own(children[0]!), keysSorted),
    Union: ({ mode, typeIds, children }) => new Union(mode, typeIds, children.map(own)),
    Dictionary: ({ dictionary, indices, id, isOrdered }) => {
      const values = dictionaries.get(dictionary) ?? writerType(dictionary, dictionaries);
      dictionaries.set(dictionary, values);
      return new Dictionary(values, writerType(indices, dictionaries) as typeof indices, id, isOrdered);
    },
  });
}
