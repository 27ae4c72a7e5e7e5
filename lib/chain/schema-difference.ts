import { DataType, type Field, type Schema } from "apache-arrow";

/**
 * The first column that is another than it should be, in words; undefined where there is none. apache-arrow's own
 * comparison takes all decimals for one type, and dictionaries for different ones where only their ids are.
 */
export function schemaDifference(expected: Schema, actual: Schema, whose = "the stream's"): string | undefined {
  const columns = Math.max(expected.fields.length, actual.fields.length);
  for (let index = 0; index < columns; index++) {
    const [is, was] = [columnText(actual.fields[index]), columnText(expected.fields[index])];
    if (is !== was) return `Its column ${index} is ${is} where ${whose} is ${was}.`;
  }
  return undefined;
}

function columnText(field: Field | undefined): string {
  return field === undefined ? "missing" : fieldText(field);
}

function fieldText({ name, type, nullable }: Field): string {
  return `${JSON.stringify(name)} ${typeText(type)}${nullable ? "" : " not null"}`;
}

/** All that makes two types different. */
function typeText(type: DataType): string {
  if (DataType.isDecimal(type)) return `Decimal${type.bitWidth}(${type.precision}, ${type.scale})`;
  if (DataType.isDictionary(type)) {
    return `Dictionary<${typeText(type.indices)}, ${typeText(type.dictionary)}${type.isOrdered ? ", ordered" : ""}>`;
  }
  if (DataType.isUnion(type))
    return `${type.mode === 0 ? "Sparse" : "Dense"}Union[${type.typeIds}]${childrenText(type)}`;
  if (DataType.isFixedSizeList(type)) return `FixedSizeList[${type.listSize}]${childrenText(type)}`;
  if (DataType.isMap(type)) return `Map${type.keysSorted ? "[sorted]" : ""}${childrenText(type)}`;
  if (DataType.isStruct(type)) return `Struct${childrenText(type)}`;
  if (DataType.isList(type)) return `List${childrenText(type)}`;
  if (DataType.isLargeList(type)) return `LargeList${childrenText(type)}`;
  return `${type}`;
}

function childrenText({ children }: DataType): string {
  return `<${children.map(fieldText).join(", ")}>`;
}
