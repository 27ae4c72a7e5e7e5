/** Arrow types as the SQL types that Spark sends as these: the way back from arrow-schema.ts. */
import { DataType, DateUnit, type Field, IntervalUnit, Precision, TimeUnit } from "apache-arrow";

/** The SQL type whose values Spark sends as this Arrow type; undefined if there is none. */
export function sqlType(field: Field): string | undefined {
  const { type } = field;
  if (DataType.isNull(type)) return "VOID";
  if (DataType.isBool(type)) return "BOOLEAN";
  if (DataType.isInt(type)) {
    return type.isSigned ? { 8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT" }[type.bitWidth] : undefined;
  }
  if (DataType.isFloat(type)) {
    return { [Precision.SINGLE]: "FLOAT", [Precision.DOUBLE]: "DOUBLE" }[type.precision as number];
  }
  if (DataType.isDecimal(type)) return `DECIMAL(${type.precision}, ${type.scale})`;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return "STRING";
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) return "BINARY";
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY ? "DATE" : undefined;
  if (DataType.isTimestamp(type)) {
    if (type.unit !== TimeUnit.MICROSECOND) return undefined;
    return type.timezone ? "TIMESTAMP" : "TIMESTAMP_NTZ";
  }
  if (DataType.isTime(type)) {
    return type.unit === TimeUnit.NANOSECOND ? `TIME(${field.metadata.get("SPARK::time::precision") ?? 6})` : undefined;
  }
  if (DataType.isDuration(type)) return type.unit === TimeUnit.MICROSECOND ? "INTERVAL DAY TO SECOND" : undefined;
  if (DataType.isInterval(type)) {
    return { [IntervalUnit.YEAR_MONTH]: "INTERVAL YEAR TO MONTH", [IntervalUnit.MONTH_DAY_NANO]: "INTERVAL" }[
      type.unit as number
    ];
  }
  return nestedType(type);
}

function nestedType(type: DataType): string | undefined {
  if (DataType.isList(type)) return nested("ARRAY", type.children.map(sqlType));
  if (DataType.isMap(type)) return nested("MAP", (type.children[0]!.type as DataType).children.map(sqlType));
  if (!DataType.isStruct(type)) return undefined;
  const fields = type.children.map((field) => {
    const text = sqlType(field);
    return text && `${quotedName(field.name)}: ${text}${field.nullable ? "" : " NOT NULL"}`;
  });
  return nested("STRUCT", fields);
}

function nested(name: string, parts: readonly (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : `${name}<${parts.join(", ")}>`;
}

/** A name as it may stand in SQL, whatever is in it. */
export function quotedName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
