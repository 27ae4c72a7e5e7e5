import { DataType, type Field } from "apache-arrow";

/**
 * Describes the first difference between columns, in words that follow a subject ("The record batch"); undefined if
 * there is none. It compares names, types with their parameters, and nullability, at every depth, but neither metadata
 * nor the ids of dictionaries. apache-arrow's own comparison treats all decimals as one type, and dictionaries as
 * different types if only their ids differ.
 */
export function schemaDifference(
  expected: readonly Field[],
  actual: readonly Field[],
  parent = "",
): string | undefined {
  if (expected === actual) return undefined;
  for (const [index, field] of expected.entries()) {
    const path = `${parent}${field.name}`;
    const other = actual[index];
    if (other === undefined) return `lacks ${quoted(path)}`;
    if (other.name !== field.name) return `has ${quoted(`${parent}${other.name}`)} instead of ${quoted(path)}`;
    const difference = other === field ? undefined : fieldDifference(field, other, path);
    if (difference) return difference;
  }
  const extra = actual[expected.length];
  return extra && `has ${quoted(`${parent}${extra.name}`)} in addition to the other columns`;
}

/** Describes a type in words; of a nested type only the outermost part. */
export function typeName(type: DataType): string {
  if (DataType.isDecimal(type)) return `Decimal${type.bitWidth}(${type.precision}, ${type.scale})`;
  if (DataType.isDictionary(type)) {
    return `Dictionary<${typeName(type.indices)}, ${typeName(type.dictionary)}${type.isOrdered ? ", ordered" : ""}>`;
  }
  if (DataType.isUnion(type)) return `${type.mode === 0 ? "Sparse" : "Dense"}Union[${type.typeIds}]`;
  if (DataType.isFixedSizeList(type)) return `FixedSizeList[${type.listSize}]`;
  if (DataType.isMap(type)) return `Map${type.keysSorted ? "[sorted]" : ""}`;
  if (DataType.isStruct(type)) return "Struct";
  if (DataType.isList(type)) return "List";
  if (DataType.isLargeList(type)) return "LargeList";
  return `${type}`;
}

function fieldDifference(expected: Field, actual: Field, path: string): string | undefined {
  const nullability = ({ nullable }: Field) => (nullable ? "nullable" : "not nullable");
  if (expected.nullable !== actual.nullable) {
    return `has ${quoted(path)} as ${nullability(actual)} where ${nullability(expected)} is expected`;
  }
  if (expected.type === actual.type) return undefined;
  const [wanted, found] = [typeName(expected.type), typeName(actual.type)];
  if (wanted !== found) return `has ${quoted(path)} as ${found} where ${wanted} is expected`;
  // The values of a dictionary may be nested, too.
  const inner = (type: DataType): DataType => (DataType.isDictionary(type) ? type.dictionary : type);
  return schemaDifference(inner(expected.type).children ?? [], inner(actual.type).children ?? [], `${path}.`);
}

function quoted(path: string): string {
  return `\`${path}\``;
}
