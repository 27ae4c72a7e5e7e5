/** JavaScript values as literals of the protocol: parameters travel beside the SQL text and are never spliced into it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { SparkStreamError } from "../errors.js";
import type { Expression_LiteralSchema } from "./generated/spark-connect_pb.js";

/**
 * A parameter of a query. A whole number becomes INT, or BIGINT where it needs that; other numbers DOUBLE; a bigint BIGINT;
 * a Date TIMESTAMP; bytes BINARY; an array ARRAY, of one type. For any other type pass a string and CAST it in the SQL.
 */
export type SqlParameter = null | boolean | number | bigint | string | Date | Uint8Array | readonly SqlParameter[];

type LiteralInit = MessageInitShape<typeof Expression_LiteralSchema>;

const INT_MAX = 2 ** 31;
const LONG_MAX = 2n ** 63n;

/** @throws SparkStreamError INVALID_ARGUMENT for a value that has no literal; the message names the parameter. */
export function literal(value: SqlParameter, name: string): LiteralInit {
  if (value === null) return { literalType: { case: "null", value: { kind: { case: "null", value: {} } } } };
  switch (typeof value) {
    case "boolean":
      return { literalType: { case: "boolean", value } };
    case "string":
      return { literalType: { case: "string", value } };
    case "bigint":
      if (value < -LONG_MAX || value >= LONG_MAX) throw invalid(name, "does not fit into 64 bits: pass it as a string");
      return { literalType: { case: "long", value } };
    case "number":
      return numberLiteral(value);
    case "object":
      if (value instanceof Date) return dateLiteral(value, name);
      if (value instanceof Uint8Array) return { literalType: { case: "binary", value } };
      if (Array.isArray(value)) {
        const elements = widened(value.map((element: SqlParameter, index) => literal(element, `${name}[${index}]`)));
        return { literalType: { case: "array", value: { elementType: elementType(elements, name), elements } } };
      }
  }
  throw invalid(
    name,
    `is a ${typeof value}; null, boolean, number, bigint, string, Date, Uint8Array or an array can be passed`,
  );
}

function numberLiteral(value: number): LiteralInit {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return { literalType: { case: "double", value } };
  if (value >= -INT_MAX && value < INT_MAX) return { literalType: { case: "integer", value } };
  return { literalType: { case: "long", value: BigInt(value) } };
}

function dateLiteral(value: Date, name: string): LiteralInit {
  if (Number.isNaN(value.getTime())) throw invalid(name, "is an invalid Date");
  return { literalType: { case: "timestamp", value: BigInt(value.getTime()) * 1000n } };
}

/** Numbers of one array are of one type: the widest that one of them needs. */
function widened(elements: LiteralInit[]): LiteralInit[] {
  const wide = ["double", "long"].find((type) => elements.some((element) => element.literalType?.case === type));
  return elements.map((element) => {
    const { literalType } = element;
    if (wide === "double" && (literalType?.case === "integer" || literalType?.case === "long")) {
      return { literalType: { case: "double", value: Number(literalType.value) } };
    }
    if (wide === "long" && literalType?.case === "integer") {
      return { literalType: { case: "long", value: BigInt(literalType.value!) } };
    }
    return element;
  });
}

/** The type of the first element that is not null. */
function elementType(elements: LiteralInit[], name: string): NonNullable<LiteralInit["dataType"]> {
  const types = new Set(elements.map((element) => element.literalType?.case).filter((type) => type !== "null"));
  if (types.size > 1) throw invalid(name, `mixes ${[...types].join(" and ")}; all its elements must be of one type`);
  const first = elements.find((element) => element.literalType?.case !== "null")?.literalType;
  if (first?.case === "array") {
    return { kind: { case: "array", value: { elementType: first.value.elementType, containsNull: true } } } as never;
  }
  return { kind: { case: first?.case ?? "null", value: {} } } as never;
}

function invalid(name: string, reason: string): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `The parameter ${name} ${reason}.`);
}
