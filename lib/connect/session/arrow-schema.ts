/** Spark's schema as the Arrow schema that its results have (Spark's ArrowUtils.toArrowSchema). */
import {
  type DataType as ArrowType,
  Binary,
  Bool,
  DateDay,
  Decimal,
  DurationMicrosecond,
  Field,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  IntervalMonthDayNano,
  IntervalYearMonth,
  LargeBinary,
  LargeUtf8,
  List,
  Map_,
  Null,
  Schema,
  Struct,
  TimeNanosecond,
  TimestampMicrosecond,
  Utf8,
} from "apache-arrow";
import { SparkStreamError } from "../../errors.js";
import type { DataType } from "../generated/spark-connect_pb.js";

export interface ArrowSchemaOptions {
  /** spark.sql.session.timeZone: the zone that TIMESTAMP columns carry. */
  timeZone: string;
  /** spark.sql.execution.arrow.useLargeVarTypes */
  largeVarTypes: boolean;
}

/** @throws SparkStreamError UNSUPPORTED for a type that Spark does not send as Arrow. */
export function arrowSchema(schema: DataType | undefined, options: ArrowSchemaOptions): Schema {
  if (schema?.kind.case !== "struct") {
    throw new SparkStreamError("UNSUPPORTED", "The server did not return a schema for this DataFrame.");
  }
  return new Schema(
    schema.kind.value.fields.map((field) => fieldOf(field.name, field.dataType, field.nullable, options)),
  );
}

function fieldOf(name: string, type: DataType | undefined, nullable: boolean, options: ArrowSchemaOptions): Field {
  const { kind } = type ?? {};
  const metadata =
    kind?.case === "time" ? new Map([["SPARK::time::precision", String(kind.value.precision ?? 6)]]) : undefined;
  return new Field(name, typeOf(type, name, options), nullable, metadata);
}

function typeOf(type: DataType | undefined, path: string, options: ArrowSchemaOptions): ArrowType {
  const kind = type?.kind;
  switch (kind?.case) {
    case "null":
      return new Null();
    case "boolean":
      return new Bool();
    case "byte":
      return new Int8();
    case "short":
      return new Int16();
    case "integer":
      return new Int32();
    case "long":
      return new Int64();
    case "float":
      return new Float32();
    case "double":
      return new Float64();
    case "decimal":
      return new Decimal(kind.value.scale ?? 0, kind.value.precision ?? 10);
    case "string":
    case "char":
    case "varChar":
      return options.largeVarTypes ? new LargeUtf8() : new Utf8();
    case "binary":
      return binary(options);
    case "date":
      return new DateDay();
    case "timestamp":
      return new TimestampMicrosecond(options.timeZone);
    case "timestampNtz":
      return new TimestampMicrosecond();
    case "time":
      return new TimeNanosecond();
    case "dayTimeInterval":
      return new DurationMicrosecond();
    case "yearMonthInterval":
      return new IntervalYearMonth();
    case "calendarInterval":
      return new IntervalMonthDayNano();
    case "array":
      return new List(fieldOf("element", kind.value.elementType, kind.value.containsNull, options));
    case "map": {
      const { keyType, valueType, valueContainsNull } = kind.value;
      const key = fieldOf("key", keyType, false, options);
      const value = fieldOf("value", valueType, valueContainsNull, options);
      return new Map_(
        new Field("entries", new Struct<{ key: ArrowType; value: ArrowType }>([key, value]), false),
        false,
      );
    }
    case "struct":
      return new Struct(kind.value.fields.map((field) => fieldOf(field.name, field.dataType, field.nullable, options)));
    case "variant":
      return new Struct([
        new Field("value", binary(options), false),
        new Field("metadata", binary(options), false, new Map([["variant", "true"]])),
      ]);
    case "geometry":
    case "geography": {
      const metadata = new Map([
        [kind.case, "true"],
        ["srid", String(kind.value.srid)],
      ]);
      return new Struct<{ srid: ArrowType; wkb: ArrowType }>([
        new Field("srid", new Int32(), false),
        new Field("wkb", binary(options), false, metadata),
      ]);
    }
    case "udt":
      return typeOf(kind.value.sqlType, path, options);
    default:
      throw new SparkStreamError(
        "UNSUPPORTED",
        `Column ${JSON.stringify(path)} has the type ${kind?.case}, which has no Arrow type in this package.`,
      );
  }
}

function binary({ largeVarTypes }: ArrowSchemaOptions): ArrowType {
  return largeVarTypes ? new LargeBinary() : new Binary();
}
