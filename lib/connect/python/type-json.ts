/** Spark's types as the JSON that PySpark reads them from (pyspark.sql.types). */
import { SparkStreamError } from "../../errors.js";
import type { DataType } from "../generated/spark-connect_pb.js";
import { typeName } from "../session/type-name.js";

/** Types whose names in JSON are not those of SQL. */
const names: Readonly<Record<string, string>> = {
  tinyint: "byte",
  smallint: "short",
  int: "integer",
  bigint: "long",
};

export function typeJson(type: DataType): unknown {
  const { kind } = type;
  switch (kind.case) {
    case "array":
      return { type: "array", elementType: json(kind.value.elementType), containsNull: kind.value.containsNull };
    case "map":
      return {
        type: "map",
        keyType: json(kind.value.keyType),
        valueType: json(kind.value.valueType),
        valueContainsNull: kind.value.valueContainsNull,
      };
    case "struct":
      return {
        type: "struct",
        fields: kind.value.fields.map(({ name, dataType, nullable }) => ({
          name,
          type: json(dataType),
          nullable,
          metadata: {},
        })),
      };
    case "variant":
    case "geometry":
    case "geography":
    case "udt":
    case "unparsed":
      throw new SparkStreamError("UNSUPPORTED_TYPE", `A Python function cannot return ${typeName(type)}.`);
    default:
      return names[typeName(type)] ?? typeName(type);
  }
}

function json(type: DataType | undefined): unknown {
  return type ? typeJson(type) : "void";
}
