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
      return isoText(literalType.value * 86_400_000)?.slice(0, -14) ?? `${literalType.value} days since 1970-01-01`;
    case "timestamp":
      return `${timestampText(literalType.value)}Z`;
    case "timestampNtz":
      return timestampText(literalType.value);
    case "array":
      return literalType.value.elements.map((element) => literalValue(element) ?? null);
    default:
      return undefined;
  }
}

/** Microseconds since 1970 as ISO 8601 text. */
function timestampText(micros: bigint): string {
  const part = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const text = isoText(Number((micros - part) / 1000n));
  return text ? `${text.slice(0, -5)}.${String(part).padStart(6, "0")}` : `${micros} microseconds since 1970-01-01`;
}

/** Undefined beyond what a Date holds. */
function isoText(milliseconds: number): string | undefined {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
