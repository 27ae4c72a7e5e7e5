import { Data, type DataType, Type } from "apache-arrow";

/** A column of nulls, of a type that sparkSchema() makes. Memory: the size of its offsets and bits. */
export function nullColumn(type: DataType, length: number): Data {
  const bitmap = new Uint8Array((length + 7) >> 3);
  const made = (offsets?: Int32Array, children: Data[] = []) =>
    new Data(type, 0, length, length, [offsets, undefined, bitmap] as never, children);
  const children = type.children ?? [];
  switch (type.typeId as Type) {
    case Type.Struct:
      return made(
        undefined,
        children.map((child) => nullColumn(child.type, length)),
      );
    case Type.List:
    case Type.Map:
      return made(new Int32Array(length + 1), [nullColumn(children[0]!.type, 0)]);
    case Type.Utf8:
    case Type.Binary:
      return made(new Int32Array(length + 1));
    default:
      return made();
  }
}
