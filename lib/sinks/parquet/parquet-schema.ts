/**
 * Converts an Arrow schema to a Parquet schema: the elements of the footer, and the tree by which columns are split.
 *
 *     struct    group { its fields }
 *     list      group (LIST) { repeated group list { the element } }
 *     map       group (MAP) { repeated group key_value { required key; value } }
 *     others    a leaf: its values are a column chunk in each row group
 */
import { DataType, type Field, Type } from "apache-arrow";
import { fields, physicalTypes, repetitionTypes } from "./format.js";
import { listAnnotation, mapAnnotation, type ParquetType, parquetType } from "./parquet-type.js";
import type { ThriftStruct } from "./thrift.js";

interface NodeBase {
  /** As {@link unsupportedField} writes it; for messages. */
  readonly path: string;
  readonly nullable: boolean;
}

export interface LeafNode extends NodeBase {
  readonly kind: "leaf";
  /** Its position among the leaves of the schema. */
  readonly index: number;
  /** The type of the values, also if they are dictionary-encoded. */
  readonly type: DataType;
  readonly parquet: ParquetType;
  readonly names: readonly string[];
  /** Set if values are dictionary-encoded in Arrow. */
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

export function parquetSchema(columns: readonly Field[]): ParquetSchema {
  const builder = new SchemaBuilder();
  builder.group("schema", undefined, columns.length);
  const nodes = columns.map((field) =>
    builder.field(field, { path: field.name, names: [], definition: 0, repetition: 0 }),
  );
  return { elements: builder.elements, columns: nodes, leaves: builder.leaves };
}

/** The place of a field in the schema. */
interface Place {
  readonly path: string;
  readonly names: readonly string[];
  readonly definition: number;
  readonly repetition: number;
  /** Overrides of the field's own. */
  readonly name?: string;
  readonly nullable?: boolean;
}

const { SchemaElement } = fields;

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
      [SchemaElement.repetition_type]: repetition && repetitionTypes[repetition],
      [SchemaElement.name]: name,
      [SchemaElement.num_children]: children,
      [SchemaElement.converted_type]: annotation?.converted,
      [SchemaElement.field_id]: fieldId,
      [SchemaElement.logicalType]: annotation?.logical,
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
    const repetition = nullable ? "OPTIONAL" : "REQUIRED";
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
        this.group("list", "REPEATED", 1);
        const element = repeated(inner, "list");
        const [item] = type.children as [Field];
        const child = this.field(item, { ...element, path: `${path}[]`, name: item.name || "element" });
        return { kind: "list", path, nullable, offsets: offsetsOf(type), repetition: element.repetition, child };
      }
      case Type.Map: {
        group(1, mapAnnotation);
        this.group("key_value", "REPEATED", 2);
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
    const encoded = DataType.isDictionary(type) ? type : undefined;
    const valueType = encoded?.dictionary ?? type;
    const parquet = parquetType(valueType);
    this.elements.push({
      [SchemaElement.type]: physicalTypes[parquet.physical],
      [SchemaElement.type_length]: parquet.length,
      [SchemaElement.repetition_type]: repetitionTypes[nullable ? "OPTIONAL" : "REQUIRED"],
      [SchemaElement.name]: name,
      [SchemaElement.converted_type]: parquet.converted,
      [SchemaElement.scale]: parquet.scale,
      [SchemaElement.precision]: parquet.precision,
      [SchemaElement.field_id]: fieldId,
      [SchemaElement.logicalType]: parquet.logical,
    });
    const leaf: LeafNode = {
      kind: "leaf",
      path: place.path,
      nullable,
      index: this.leaves.length,
      type: valueType,
      parquet,
      names: place.names,
      ...(encoded && { dictionary: { id: encoded.id, indices: encoded.indices } }),
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
  if (DataType.isFixedSizeList(type)) return type.listSize;
  return DataType.isLargeList(type) ? "int64" : "int32";
}

/** The field id, stored as in Arrow's other implementations. */
function fieldIdOf({ metadata }: Field): number | undefined {
  const id = metadata.get("PARQUET:field_id");
  return id !== undefined && /^-?\d{1,9}$/.test(id) ? Number(id) : undefined;
}
