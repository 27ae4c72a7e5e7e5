import { dateText, timestampText } from "../../arrow/text/date-text.js";
import type { ObservedValue } from "../../chain/source-report.js";
import type { Expression_Literal } from "../../connect/generated/spark-connect_pb.js";

/** The JavaScript value of a literal of the protocol; undefined for a type that is not read here. */
export function literalValue({ literalType }: Expression_Literal): ObservedValue | undefined {
  switch (literalType.case) {
    case "null":
      return null;
    case "boolean":
    case "byte":
    case "short":
    case "integer":
    case "long":
    case "float":
    case "double":
    case "string":
    case "binary":
      return literalType.value;
    case "decimal":
      return literalType.value.value;
    case "date":
      return dateText(literalType.value);
    case "timestamp":
      return `${timestampText(literalType.value, 6)}Z`;
    case "timestampNtz":
      return timestampText(literalType.value, 6);
    case "array":
      return literalType.value.elements.map((element) => literalValue(element) ?? null);
    default:
      return undefined;
  }
}
