import { type DataType, type Field, Type } from "apache-arrow";

/**
 * Where the columns of a record batch are others than they should be, in words that follow "The record batch", or
 * undefined where they are the same: names, types with their parameters, nullability, at every depth. Metadata, and the
 * ids of dictionaries, do not count.
 */
export function schemaDifference(expected: readonly Field[], actual: readonly Field[]): string | undefined {
  return fieldsDiffer(expected, actual, "");
}

/** A type in words; of a nested one its outermost part. */
export function typeName(type: DataType): string {
  switch (type.typeId as Type) {
    case Type.List:
    case Type.LargeList:
    case Type.Struct:
    case Type.Map:
    case Type.Union:
      return Type[type.typeId] as string;
    case Type.FixedSizeList:
      return `FixedSizeList[${(type as unknown as { listSize: number }).listSize}]`;
    case Type.Decimal: {
      const { bitWidth, precision, scale } = type as unknown as { bitWidth: number; precision: number; scale: number };
      return `Decimal${bitWidth}(${precision}, ${scale})`;
    }
    case Type.Dictionary: {
      const { indices, dictionary } = type as unknown as { indices: DataType; dictionary: DataType };
      return `Dictionary<${typeName(indices)}, ${typeName(dictionary)}>`;
    }
    default:
      return `${type}`;
  }
}

function fieldsDiffer(expected: readonly Field[], actual: readonly Field[], parent: string): string | undefined {
  if (expected === actual) return undefined;
  for (const [index, field] of expected.entries()) {
    const path = `${parent}${field.name}`;
    const other = actual[index];
    if (other === undefined) return `lacks ${quoted(path)}`;
    if (other.name !== field.name) {
      return `has ${quoted(`${parent}${other.name}`)} in the place of ${quoted(path)}`;
    }
    const difference = other === field ? undefined : fieldDiffers(field, other, path);
    if (difference) return difference;
  }
  const extra = actual[expected.length];
  return extra && `has ${quoted(`${parent}${extra.name}`)} beyond the other columns`;
}

function fieldDiffers(expected: Field, actual: Field, path: string): string | undefined {
  if (expected.nullable !== actual.nullable) {
    const [was, is] = expected.nullable ? ["nullable", "not nullable"] : ["not nullable", "nullable"];
    return `has ${quoted(path)} as ${is}, and it was ${was} before`;
  }
  if (expected.type === actual.type) return undefined;
  const [was, is] = [typeName(expected.type), typeName(actual.type)];
  if (was !== is) return `has ${quoted(path)} as ${is}, and it was ${was} before`;
  return fieldsDiffer(expected.type.children ?? [], actual.type.children ?? [], `${path}.`);
}

function quoted(path: string): string {
  return `\`${path}\``;
}
