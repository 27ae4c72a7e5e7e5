import { isUtf8 } from "node:buffer";
import { type Data, DataType, Type, UnionMode } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";
import { textBytes } from "./text-bytes.js";

export interface InvalidValue {
  /** Its row in the column. */
  readonly row: number;
  readonly bytes: Uint8Array;
}

/**
 * Finds the first text of a column that is not UTF-8, ignoring texts below a null and texts that nothing refers to. It
 * is slow, for columns already known to have invalid bytes.
 */
export function firstInvalid(column: Data): InvalidValue | undefined {
  let first: InvalidValue | undefined;
  /** @param rows the column's row for each value; -1: below a null, or not referred to */
  const visit = (data: Data, rows: Int32Array) => {
    const { type, children } = data;
    const union = DataType.isUnion(type);
    const own = rows.map((row, index) => (row >= 0 && (union || data.getValid(index)) ? row : -1));
    const each = (take: (row: number, index: number) => void) => {
      for (const [index, row] of own.entries()) if (row >= 0) take(row, index);
    };
    const below = (child: Data, fill: (rows: Int32Array) => void) => {
      const childRows = new Int32Array(child.length).fill(-1);
      fill(childRows);
      visit(child, childRows);
    };
    const lists = (child: Data, at: (index: number) => number) =>
      below(child, (found) => each((row, index) => found.fill(row, at(index), at(index + 1))));
    const narrowed = arrowType(type);
    switch (narrowed.typeId) {
      case Type.Utf8:
      case Type.LargeUtf8:
      case Type.Utf8View:
        each((row, index) => {
          const bytes = textBytes(data, index);
          if (!isUtf8(bytes) && !(first && first.row <= row)) first = { row, bytes };
        });
        return;
      case Type.List:
      case Type.LargeList:
      case Type.Map:
        lists(children[0]!, (index) => Number(data.valueOffsets[index]));
        return;
      case Type.FixedSizeList:
        lists(children[0]!, (index) => index * data.stride);
        return;
      case Type.Dictionary: {
        let start = 0;
        for (const chunk of data.dictionary?.data ?? []) {
          below(chunk, (found) =>
            each((row, index) => {
              const entry = Number(data.values[index]) - start;
              if (found[entry] === -1) found[entry] = row;
            }),
          );
          start += chunk.length;
        }
        return;
      }
      case Type.Union: {
        const { mode, typeIdToChildIndex } = narrowed;
        for (const [place, child] of children.entries()) {
          below(child, (found) =>
            each((row, index) => {
              if (typeIdToChildIndex[data.typeIds[index]!] !== place) return;
              found[mode === UnionMode.Dense ? data.valueOffsets[index]! : index] = row;
            }),
          );
        }
        return;
      }
      default:
        for (const child of children) below(child, (found) => found.set(own.subarray(0, found.length)));
    }
  };
  visit(
    column,
    Int32Array.from({ length: column.length }, (_, row) => row),
  );
  return first;
}
