import { type DataType, type Field, Type } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";
import { typeName } from "../../arrow/schema-difference.js";
import { parquetMapping } from "./parquet-type.js";

/** A field that readers of the file would not see with its type and values. */
export interface UnsupportedField {
  /** From the top: `a.b` in a struct, `a[]` in a list, `a.key` and `a.value` in a map. */
  readonly path: string;
  readonly type: string;
  readonly reason: string;
}

/** Finds the first field, at any depth, whose type and exact values a Parquet file cannot keep. */
export function unsupportedField(fields: readonly Field[], parent = ""): UnsupportedField | undefined {
  for (const { name, type } of fields) {
    const found = unsupportedType(type, `${parent}${name}`);
    if (found) return found;
  }
  return undefined;
}

function unsupportedType(type: DataType, path: string): UnsupportedField | undefined {
  const mapping = parquetMapping(type);
  if (mapping !== "group") {
    return "unsupported" in mapping ? { path, type: typeName(type), reason: mapping.unsupported } : undefined;
  }
  const group = arrowType(type);
  switch (group.typeId) {
    case Type.Struct:
      return unsupportedField(group.children, `${path}.`);
    case Type.Map:
      return unsupportedField(group.children[0]!.type.children as Field[], `${path}.`);
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList:
      return unsupportedType(group.children[0]!.type, `${path}[]`);
    default:
      return undefined;
  }
}
