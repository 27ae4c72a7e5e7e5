/** JavaScript values as literals of the protocol: parameters travel beside the SQL text and are never spliced into it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { SparkStreamError } from "../../errors.js";
import { shown } from "../../runtime/check-options.js";
import type { Expression_LiteralSchema } from "../generated/spark-connect_pb.js";
import type { SqlParameter } from "./sql-arguments.js";

export type LiteralInit = MessageInitShape<typeof Expression_LiteralSchema>;

const INT_MAX = 2 ** 31;
const LONG_MAX = 2n ** 63n;
/** Characters of a parameter's name that a message shows. */
const MAX_NAME = 60;

/** Each array nests two messages, of which Spark reads 1,024 levels (spark.connect.grpc.marshallerRecursionLimit). */
const MAX_DEPTH = 500;

/**
 * @param within the arrays that the value is in
 * @throws SparkStreamError INVALID_ARGUMENT for a value that has no literal; the message names the parameter.
 */
export function literal(value: SqlParameter, name: string, within: readonly unknown[] = []): LiteralInit {
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
      if (Array.isArray(value)) return arrayLiteral(value, name, within);
  }
  throw invalid(
    name,
    `is ${shown(value)}; null, boolean, number, bigint, string, Date, Uint8Array or an array can be passed`,
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

/** The type of an array's elements, by the names of the protocol's types, which are also those of its literals. */
interface ElementType {
  readonly kind: { readonly case: string; readonly value: { elementType?: ElementType; containsNull?: true } };
}

/** Spark wants all elements to be of the type that the array states: numbers, at any depth, become the widest of them. */
function arrayLiteral(values: readonly SqlParameter[], name: string, within: readonly unknown[]): LiteralInit {
  if (within.includes(values)) throw invalid(name, "is an array that contains itself");
  if (within.length >= MAX_DEPTH) throw invalid(name, `is nested more than ${MAX_DEPTH} arrays deep`);
  const path = [...within, values];
  const elements = Array.from(values, (element, index) => literal(element, `${name}[${index}]`, path));
  const type = elements.map(typeOf).reduce((one, other) => common(one, other, name), simpleType("null"));
  return arrayOf(elements, type);
}

function arrayOf(elements: readonly LiteralInit[], type: ElementType): LiteralInit {
  const converted = elements.map((element) => as(element, type));
  return { literalType: { case: "array", value: { elementType: type as never, elements: converted } } };
}

function typeOf({ literalType }: LiteralInit): ElementType {
  if (literalType?.case !== "array") return simpleType(literalType?.case ?? "null");
  return arrayType(literalType.value.elementType as ElementType);
}

const numbers = ["integer", "long", "double"];

function common(one: ElementType, other: ElementType, name: string): ElementType {
  const [a, b] = [one.kind.case, other.kind.case];
  if (a === "null") return other;
  if (b === "null") return one;
  if (a === "array" && b === "array") {
    return arrayType(common(one.kind.value.elementType!, other.kind.value.elementType!, name));
  }
  if (a === b) return one;
  const wider = Math.max(numbers.indexOf(a), numbers.indexOf(b));
  if (numbers.includes(a) && numbers.includes(b)) return simpleType(numbers[wider]!);
  throw invalid(name, `mixes ${a} and ${b}; all its elements must be of one type`);
}

function as(element: LiteralInit, { kind }: ElementType): LiteralInit {
  const { literalType } = element;
  switch (literalType?.case) {
    case "array":
      return arrayOf(literalType.value.elements as LiteralInit[], kind.value.elementType!);
    case "integer":
    case "long":
      if (kind.case === "double") return { literalType: { case: "double", value: Number(literalType.value) } };
      if (kind.case === "long") return { literalType: { case: "long", value: BigInt(literalType.value!) } };
  }
  return element;
}

function simpleType(name: string): ElementType {
  return { kind: { case: name, value: {} } };
}

function arrayType(elementType: ElementType): ElementType {
  return { kind: { case: "array", value: { elementType, containsNull: true } } };
}

function invalid(name: string, reason: string): SparkStreamError {
  const where = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
  return new SparkStreamError("INVALID_ARGUMENT", `The parameter ${where} ${reason}.`);
}
