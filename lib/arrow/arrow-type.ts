/**
 * The one list of Arrow's types: apache-arrow's classes by the name of their `typeId`. Code that treats each type
 * differently uses a {@link TypeTable}, which must have a line for every type: a type added here does not compile until
 * each table has its line. Or it uses a `switch` on the `typeId` of an {@link ArrowType}, which narrows it.
 *
 * apache-arrow's own `DataType` cannot be narrowed: its `typeId` is a union over all types, and its guards
 * (`DataType.isInt`) test one type each. (Read in apache-arrow 21.2; test/unit/arrow-type.test.ts fails if its list of
 * types changes.)
 */
import {
  type Binary,
  type BinaryView,
  type Bool,
  type DataType,
  type Date_,
  type Decimal,
  type Dictionary,
  type Duration,
  type FixedSizeBinary,
  type FixedSizeList,
  type Float,
  type Int,
  type Interval,
  type LargeBinary,
  type LargeList,
  type LargeUtf8,
  type List,
  type Map_,
  type Null,
  type Struct,
  type Time,
  type Timestamp,
  Type,
  type Union,
  type Utf8,
  type Utf8View,
} from "apache-arrow";
import { SparkStreamError } from "../errors.js";

interface Types {
  Null: Null;
  Bool: Bool;
  Int: Int;
  Float: Float;
  Decimal: Decimal;
  Utf8: Utf8;
  LargeUtf8: LargeUtf8;
  Utf8View: Utf8View;
  Binary: Binary;
  LargeBinary: LargeBinary;
  BinaryView: BinaryView;
  FixedSizeBinary: FixedSizeBinary;
  Date: Date_;
  Time: Time;
  Timestamp: Timestamp;
  Duration: Duration;
  Interval: Interval;
  Struct: Struct;
  List: List;
  LargeList: LargeList;
  FixedSizeList: FixedSizeList;
  Map: Map_;
  Union: Union;
  Dictionary: Dictionary;
}

export type TypeName = keyof Types;

/** An Arrow type discriminated by `typeId`. At run time `typeId` is never that of a subclass, such as `Type.Int8`. */
export type ArrowType = {
  [name in TypeName]: Omit<Types[name], "typeId"> & { readonly typeId: (typeof Type)[name] };
}[TypeName];

/** One line for each type. */
export type TypeTable<T> = { readonly [name in TypeName]: (type: Types[name]) => T };

export function arrowType(type: DataType): ArrowType {
  return type as unknown as ArrowType;
}

/**
 * Calls the table's line for the type.
 *
 * @throws SparkStreamError UNSUPPORTED_TYPE for a type missing from the list: one of a later version of apache-arrow
 */
export function byType<T>(type: DataType, table: TypeTable<T>): T {
  const name = Type[type.typeId] as TypeName;
  if (!Object.hasOwn(table, name))
    throw new SparkStreamError("UNSUPPORTED_TYPE", `The Arrow type ${type} is not supported.`);
  return (table[name] as (type: DataType) => T)(type);
}
