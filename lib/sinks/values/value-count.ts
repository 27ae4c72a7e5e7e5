import { type Data, Type } from "apache-arrow";
import { arrowType } from "../../arrow/arrow-type.js";

/** This many bytes of a text or binary take as long to read as one more value. */
const BYTES_PER_VALUE = 64;

/**
 * Estimates the work for rows of a column, counted in values: one for each row, each element of a list and each field
 * of a struct, and one more per 64 bytes of text. The estimate takes constant time.
 */
export function valuesIn(data: Data, from: number, count: number): number {
  switch (arrowType(data.type).typeId) {
    case Type.Struct: {
      let values = count;
      for (const child of data.children) values += valuesIn(child, from, count);
      return values;
    }
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      if (count === 0) return 0;
      const first = Number(data.valueOffsets[from]);
      return count + valuesIn(data.children[0]!, first, Number(data.valueOffsets[from + count]) - first);
    }
    case Type.FixedSizeList:
      return count + valuesIn(data.children[0]!, from * data.stride, count * data.stride);
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary: {
      if (count === 0) return 0;
      const bytes = Number(data.valueOffsets[from + count]) - Number(data.valueOffsets[from]);
      return count + bytes / BYTES_PER_VALUE;
    }
    case Type.FixedSizeBinary:
      return count + (count * data.stride) / BYTES_PER_VALUE;
    case Type.Utf8View:
    case Type.BinaryView: {
      // Each view has the place of its bytes; the average size is enough.
      const bytes = data.variadicBuffers.reduce((sum, { length }) => sum + length, 0);
      return count + (count * bytes) / Math.max(1, data.length) / BYTES_PER_VALUE;
    }
    default:
      return count;
  }
}
