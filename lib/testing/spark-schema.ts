/**
 * Converts an Arrow schema to the Spark schema whose results have it: the reverse of connect/session/arrow-schema.ts.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type DataType as ArrowType, DataType, type Field, IntervalUnit, type Schema, Type } from "apache-arrow";
import type { DataTypeSchema } from "../connect/generated/spark-connect_pb.js";
import { SparkStreamError } from "../errors.js";

type DataTypeInit = MessageInitShape<typeof DataTypeSchema>;
type Kind = Exclude<DataTypeInit, { $typeName: string }>["kind"];

/** @throws SparkStreamError UNSUPPORTED for a type that Spark never sends. */
export function sparkSchema(schema: Schema): DataTypeInit {
  return { kind: structOf(schema.fields) };
}

function structOf(fields: readonly Field[]): Kind & { case: "struct" } {
  const told = fields.map((field) => ({ name: field.name, nullable: field.nullable, dataType: typeOf(field) }));
  return { case: "struct", value: { fields: told } };
}

function typeOf(field: Field): DataTypeInit {
  return { kind: kindOf(field.type, field.name) };
}

function kindOf(type: ArrowType, name: string): NonNullable<Kind> {
  if (DataType.isInt(type)) {
    const kinds = { 8: "byte", 16: "short", 32: "integer", 64: "long" } as const;
    if (type.isSigned) return { case: kinds[type.bitWidth], value: {} };
  }
  if (DataType.isFloat(type) && type.precision > 0)
    return { case: type.precision === 1 ? "float" : "double", value: {} };
  if (DataType.isDecimal(type)) return { case: "decimal", value: { scale: type.scale, precision: type.precision } };
  if (DataType.isTimestamp(type)) return { case: type.timezone ? "timestamp" : "timestampNtz", value: {} };
  if (DataType.isInterval(type)) {
    const yearMonth = type.unit === IntervalUnit.YEAR_MONTH;
    return { case: yearMonth ? "yearMonthInterval" : "calendarInterval", value: {} };
  }
  if (DataType.isList(type)) {
    const element = type.valueField;
    return { case: "array", value: { elementType: typeOf(element), containsNull: element.nullable } };
  }
  if (DataType.isMap(type)) {
    const [key, value] = type.children[0]!.type.children as [Field, Field];
    const types = { keyType: typeOf(key), valueType: typeOf(value), valueContainsNull: value.nullable };
    return { case: "map", value: types };
  }
  if (DataType.isStruct(type)) return structOf(type.children);
  const simple = simpleKinds[type.typeId as Type];
  if (simple) return { case: simple, value: {} };
  throw new SparkStreamError(
    "UNSUPPORTED",
    `Column ${JSON.stringify(name)} has the type ${type}, which Spark never sends.`,
  );
}

const simpleKinds: {
  readonly [type in Type]?: "null" | "boolean" | "string" | "binary" | "date" | "time" | "dayTimeInterval";
} = {
  [Type.Null]: "null",
  [Type.Bool]: "boolean",
  [Type.Utf8]: "string",
  [Type.LargeUtf8]: "string",
  [Type.Binary]: "binary",
  [Type.LargeBinary]: "binary",
  [Type.Date]: "date",
  [Type.Time]: "time",
  [Type.Duration]: "dayTimeInterval",
};
