/**
 * Reads flatbuffer tables straight from their bytes: an object per table would be most of the cost of a small batch.
 */

/** The position of a field of the table at `table`, or 0 if the table omits it. @param field its place in the vtable */
export function tableField(view: DataView, table: number, field: number): number {
  const vtable = table - view.getInt32(table, true);
  const slot = 4 + 2 * field;
  if (slot >= view.getUint16(vtable, true)) return 0;
  const offset = view.getUint16(vtable + slot, true);
  return offset === 0 ? 0 : table + offset;
}

/** The table or vector that the offset at `position` points to. */
export function indirect(view: DataView, position: number): number {
  return position + view.getUint32(position, true);
}
