import { DataType, Field, Schema, Type } from "apache-arrow";

/**
 * An empty name that is not falsy. apache-arrow omits falsy names from a schema's message; polars cannot read such a
 * file, and Spark fails with a NullPointerException. Arrow's other libraries write the empty name.
 */
const EMPTY: string = Object("");

/**
 * Returns the schema with a name for each field, so that apache-arrow can write it. The child of a list has no name in
 * tables of apache-arrow's `tableFromArrays()`; it becomes "element", as in Spark and Parquet.
 */
export function encodableSchema(schema: Schema): Schema {
  if (schema.fields.every(isNamed)) return schema;
  const dictionaries = new Map<DataType, DataType>();
  const fields = schema.fields.map((field) => namedField(field, EMPTY, dictionaries));
  return new Schema(fields, schema.metadata, undefined, schema.metadataVersion);
}

function isNamed({ name, type }: Field): boolean {
  return name !== "" && childrenOf(type).every(isNamed);
}

/** The children of a type; of a dictionary, the children of its value type. */
function childrenOf(type: DataType): Field[] {
  return DataType.isDictionary(type) ? childrenOf(type.dictionary) : (type.children ?? []);
}

type Dictionaries = Map<DataType, DataType>;

function namedField({ name, type, nullable, metadata }: Field, fallback: string, dictionaries: Dictionaries): Field {
  return new Field(name || fallback, namedType(type, dictionaries), nullable, metadata);
}

function namedType(type: DataType, dictionaries: Dictionaries): DataType {
  if (childrenOf(type).length === 0) return type;
  if (DataType.isDictionary(type)) {
    // Fields that share a dictionary must share its type.
    const dictionary = dictionaries.get(type.dictionary) ?? namedType(type.dictionary, dictionaries);
    dictionaries.set(type.dictionary, dictionary);
    return changed(type, { dictionary });
  }
  const children = type.children as Field[];
  if (DataType.isMap(type))
    return changed(type, { children: children.map((child) => namedEntries(child, dictionaries)) });
  const fallback = lists.has(type.typeId) ? "element" : EMPTY;
  return changed(type, { children: children.map((child) => namedField(child, fallback, dictionaries)) });
}

/** The entries of a map: a struct of a key and a value. */
function namedEntries({ name, type, nullable, metadata }: Field, dictionaries: Dictionaries): Field {
  const children = (type.children as Field[]).map((part, index) =>
    namedField(part, index === 0 ? "key" : "value", dictionaries),
  );
  return new Field(name || "entries", changed(type, { children }), nullable, metadata);
}

const lists = new Set<Type>([Type.List, Type.LargeList, Type.FixedSizeList]);

function changed(type: DataType, parts: object): DataType {
  return Object.assign(Object.create(Object.getPrototypeOf(type)), type, parts);
}
