/**
 * An Arrow schema as a Parquet schema: the elements of the footer, and the tree by which columns are taken apart.
 *
 *     struct    group { its fields }
 *     list      group (LIST) { repeated group list { the element } }
 *     map       group (MAP) { repeated group key_value { required key; value } }
 *     others    a leaf: its values are a column chunk in each row group
 */
import { type DataType, type Field, Type } from "apache-arrow";
import { listAnnotation, mapAnnotation, type ParquetType, parquetType, physicalTypes } from "./parquet-type.js";
import type { ThriftStruct } from "./thrift.js";

interface NodeBase {
  /** As {@link unsupportedField} writes it; for messages. */
  readonly path: string;
  readonly nullable: boolean;
}

export interface LeafNode extends NodeBase {
  readonly kind: "leaf";
  /** Where it stands among the leaves of the schema. */
  readonly index: number;
  /** Of the values, also where they come by a dictionary. */
  readonly type: DataType;
  readonly parquet: ParquetType;
  readonly names: readonly string[];
  /** Set where values come by a dictionary. */
  readonly dictionary?: { readonly id: number; readonly indices: { bitWidth: number; isSigned: boolean } };
  /** Levels of a value: of the optional and repeated fields above it, and of the repeated ones. */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

export interface StructNode extends NodeBase {
  readonly kind: "struct";
  readonly children: readonly ParquetNode[];
}

export interface ListNode extends NodeBase {
  readonly kind: "list";
  /** A number: elements of each list. */
  readonly offsets: "int32" | "int64" | number;
  readonly repetition: number;
  readonly child: ParquetNode;
}

export type ParquetNode = LeafNode | StructNode | ListNode;

export interface ParquetSchema {
  readonly elements: readonly ThriftStruct[];
  /** One for each top-level column. */
  readonly columns: readonly ParquetNode[];
  readonly leaves: readonly LeafNode[];
}

export function parquetSchema(fields: readonly Field[]): ParquetSchema {
  const builder = new SchemaBuilder();
  builder.group("schema", undefined, fields.length);
  const columns = fields.map((field) =>
    builder.field(field, { path: field.name, names: [], definition: 0, repetition: 0 }),
  );
  return { elements: builder.elements, columns, leaves: builder.leaves };
}

/** What is above a field. */
interface Place {
  readonly path: string;
  readonly names: readonly string[];
  readonly definition: number;
  readonly repetition: number;
  /** Instead of what the field itself says. */
  readonly name?: string;
  readonly nullable?: boolean;
}

const repetitionTypes = { required: 0, optional: 1, repeated: 2 } as const;

class SchemaBuilder {
  readonly elements: ThriftStruct[] = [];
  readonly leaves: LeafNode[] = [];

  group(
    name: string,
    repetition: keyof typeof repetitionTypes | undefined,
    children: number,
    fieldId?: number,
    annotation?: Pick<ParquetType, "converted" | "logical">,
  ): void {
    this.elements.push({
      3: repetition && repetitionTypes[repetition],
      4: name,
      5: children,
      6: annotation?.converted,
      9: fieldId,
      10: annotation?.logical,
    });
  }

  field(field: Field, place: Place): ParquetNode {
    const { path } = place;
    const type = field.type as DataType;
    const nullable = place.nullable ?? (field.nullable || type.typeId === Type.Null);
    const name = place.name ?? field.name;
    const names = [...place.names, name];
    const definition = place.definition + (nullable ? 1 : 0);
    const inner = { path, names, definition, repetition: place.repetition };
    const repetition = nullable ? "optional" : "required";
    const fieldId = fieldIdOf(field);
    const group = (children: number, annotation?: Pick<ParquetType, "converted" | "logical">) =>
      this.group(name, repetition, children, fieldId, annotation);
    switch (type.typeId as Type) {
      case Type.Struct:
        group(type.children.length);
        return { kind: "struct", path, nullable, children: this.#children(type, inner) };
      case Type.List:
      case Type.LargeList:
      case Type.FixedSizeList: {
        group(1, listAnnotation);
        this.group("list", "repeated", 1);
        const element = repeated(inner, "list");
        const [item] = type.children as [Field];
        const child = this.field(item, { ...element, path: `${path}[]`, name: item.name || "element" });
        return { kind: "list", path, nullable, offsets: offsetsOf(type), repetition: element.repetition, child };
      }
      case Type.Map: {
        group(1, mapAnnotation);
        this.group("key_value", "repeated", 2);
        const entry = repeated(inner, "key_value");
        const [key, value] = type.children[0]!.type.children as [Field, Field];
        const children = [
          this.field(key, { ...entry, path: `${path}.key`, name: "key", nullable: false }),
          this.field(value, { ...entry, path: `${path}.value`, name: "value" }),
        ];
        const child: StructNode = { kind: "struct", path, nullable: false, children };
        return { kind: "list", path, nullable, offsets: "int32", repetition: entry.repetition, child };
      }
      default:
        return this.#leaf(type, name, nullable, fieldId, inner);
    }
  }

  #children(type: DataType, place: Place): ParquetNode[] {
    return (type.children as Field[]).map((child) =>
      this.field(child, { ...place, path: `${place.path}.${child.name}` }),
    );
  }

  #leaf(type: DataType, name: string, nullable: boolean, fieldId: number | undefined, place: Place): LeafNode {
    const encoded = type as unknown as {
      dictionary: DataType;
      id: number;
      indices: { bitWidth: number; isSigned: boolean };
    };
    const isDictionary = type.typeId === Type.Dictionary;
    const valueType = isDictionary ? encoded.dictionary : type;
    const parquet = parquetType(valueType);
    this.elements.push({
      1: physicalTypes[parquet.physical],
      2: parquet.length,
      3: repetitionTypes[nullable ? "optional" : "required"],
      4: name,
      6: parquet.converted,
      7: parquet.scale,
      8: parquet.precision,
      9: fieldId,
      10: parquet.logical,
    });
    const leaf: LeafNode = {
      kind: "leaf",
      path: place.path,
      nullable,
      index: this.leaves.length,
      type: valueType,
      parquet,
      names: place.names,
      ...(isDictionary && { dictionary: { id: encoded.id, indices: encoded.indices } }),
      maxDefinition: place.definition,
      maxRepetition: place.repetition,
    };
    this.leaves.push(leaf);
    return leaf;
  }
}

/** One level down, in a repeated group. */
function repeated(place: Place, name: string): Place {
  const { path, names, definition, repetition } = place;
  return { path, names: [...names, name], definition: definition + 1, repetition: repetition + 1 };
}

function offsetsOf(type: DataType): ListNode["offsets"] {
  if (type.typeId === Type.FixedSizeList) return (type as unknown as { listSize: number }).listSize;
  return type.typeId === Type.LargeList ? "int64" : "int32";
}

/** As Arrow's other implementations keep it. */
function fieldIdOf({ metadata }: Field): number | undefined {
  const id = metadata.get("PARQUET:field_id");
  return id !== undefined && /^-?\d{1,9}$/.test(id) ? Number(id) : undefined;
}
