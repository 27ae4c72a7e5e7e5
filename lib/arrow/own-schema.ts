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
  Type,
  Union,
  Utf8,
  Utf8View,
} from "apache-arrow";
import { arrowZone } from "./arrow-zone.js";

/**
 * The schema that a writer writes: its zones are those that Arrow knows, and it is in the classes of the apache-arrow that this
 * package imports. Another copy's (that of a program that requires
 * it, say) passes for ours in `instanceof`, but written to IPC by ours it has no types: an error at best, wrong types at
 * worst.
 */
export function ownSchema(fields: readonly Field[], metadata: ReadonlyMap<string, string>): Schema {
  // Fields that share a dictionary must share its type.
  const dictionaries = new Map<DataType, DataType>();
  return new Schema(
    fields.map((field) => ownField(field, dictionaries)),
    new Map(metadata),
  );
}

function ownField(field: Field, dictionaries: Map<DataType, DataType>): Field {
  // Another writer may have left out an empty name.
  return new Field(field.name ?? "", ownType(field.type, dictionaries), field.nullable, new Map(field.metadata));
}

/** What the types have, each some of it. */
interface Parameters {
  isSigned: boolean;
  bitWidth: never;
  precision: number;
  scale: number;
  unit: never;
  timezone: string | null;
  byteWidth: number;
  listSize: number;
  keysSorted: boolean;
  mode: number;
  typeIds: Int32Array;
  id: number;
  isOrdered: boolean;
  indices: DataType;
  dictionary: DataType;
}

function ownType(type: DataType, dictionaries: Map<DataType, DataType>): DataType {
  const of = type as unknown as Parameters;
  const children = ((type.children ?? []) as Field[]).map((field) => ownField(field, dictionaries));
  const child = children[0]!;
  switch (type.typeId as Type) {
    case Type.Null:
      return new Null();
    case Type.Bool:
      return new Bool();
    case Type.Int:
      return new Int(of.isSigned, of.bitWidth);
    case Type.Float:
      return new Float(of.precision);
    case Type.Decimal:
      return new Decimal(of.scale, of.precision, of.bitWidth);
    case Type.Utf8:
      return new Utf8();
    case Type.LargeUtf8:
      return new LargeUtf8();
    case Type.Utf8View:
      return new Utf8View();
    case Type.Binary:
      return new Binary();
    case Type.LargeBinary:
      return new LargeBinary();
    case Type.BinaryView:
      return new BinaryView();
    case Type.FixedSizeBinary:
      return new FixedSizeBinary(of.byteWidth);
    case Type.Date:
      return new Date_(of.unit);
    case Type.Time:
      return new Time(of.unit, of.bitWidth);
    case Type.Timestamp:
      return new Timestamp(of.unit, of.timezone && arrowZone(of.timezone));
    case Type.Duration:
      return new Duration(of.unit);
    case Type.Interval:
      return new Interval(of.unit);
    case Type.Struct:
      return new Struct(children);
    case Type.List:
      return new List(child);
    case Type.LargeList:
      return new LargeList(child);
    case Type.FixedSizeList:
      return new FixedSizeList(of.listSize, child);
    case Type.Map:
      return new Map_(child as never, of.keysSorted);
    case Type.Union:
      return new Union(of.mode, of.typeIds, children);
    case Type.Dictionary: {
      const values = dictionaries.get(of.dictionary) ?? ownType(of.dictionary, dictionaries);
      dictionaries.set(of.dictionary, values);
      return new Dictionary(values, ownType(of.indices, dictionaries) as never, of.id, of.isOrdered);
    }
    default:
      return type;
  }
}
