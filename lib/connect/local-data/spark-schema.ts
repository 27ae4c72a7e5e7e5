/**
 * The Arrow types that Spark takes from a client, and what other types become on their way there. Read in Spark's
 * ArrowUtils.fromArrowType and tried on a server: it takes the indices of a dictionary for its values, without an error,
 * and refuses most of the others only when the plan runs.
 *
 * In: the columns of an Arrow schema. Out: the columns that are sent; columns.ts converts the values.
 */
import {
  Binary,
  type DataType,
  DateDay,
  DateUnit,
  Decimal,
  DurationMicrosecond,
  Field,
  Float32,
  Int,
  IntervalUnit,
  List,
  Map_,
  Precision,
  Schema,
  Struct,
  TimeNanosecond,
  TimestampMicrosecond,
  Utf8,
} from "apache-arrow";
import { byType, type TypeTable } from "../../arrow/arrow-type.js";
import { typeName } from "../../arrow/schema-difference.js";
import { writerSchema } from "../../arrow/writer-schema.js";
import { SparkStreamError } from "../../errors.js";
import { checkText } from "../../runtime/well-formed.js";

/** The most digits of Spark's DECIMAL. */
const MAX_DIGITS = 38;

/** @throws SparkStreamError UNSUPPORTED_TYPE naming the column, INVALID_ARGUMENT for a name that UTF-8 cannot express */
export function sparkSchema(fields: readonly Field[]): Schema {
  // Types of another copy of apache-arrow become those of this one.
  const { fields: own } = writerSchema(fields, new Map());
  return new Schema(own.map((field) => sparkField(field, field.name, field.name)));
}

/** @param path the field's place in the frame, for messages: `orders[].price` */
function sparkField(field: Field, name: string, path: string): Field {
  checkText("The name of a column", name);
  return new Field(name, sparkType(field.type, path), field.nullable, new Map(field.metadata));
}

function sparkType(type: DataType, path: string): DataType {
  const same = () => type;
  const refused = (hint: string) => () => {
    const message = `Column \`${path}\` has the type ${typeName(type)}, which Spark cannot take. ${hint}`;
    throw new SparkStreamError("UNSUPPORTED_TYPE", message);
  };
  const list = ({ children: [child] }: { readonly children: readonly Field[] }) =>
    new List(sparkField(child!, child!.name || "element", `${path}[]`));
  const types: TypeTable<DataType> = {
    Null: same,
    Bool: same,
    Int: ({ isSigned, bitWidth }) => {
      if (isSigned) return type;
      return bitWidth === 64 ? new Decimal(0, 20) : new Int(true, (2 * bitWidth) as 16 | 32 | 64);
    },
    Float: ({ precision }) => (precision === Precision.HALF ? new Float32() : type),
    Decimal: ({ precision, scale }) => {
      if (precision > MAX_DIGITS) return refused(`Its DECIMAL has at most ${MAX_DIGITS} digits.`)();
      if (scale < 0 || scale > precision) return refused("Its DECIMAL has a scale from 0 to the precision.")();
      return new Decimal(scale, precision, 128);
    },
    Utf8: same,
    LargeUtf8: () => new Utf8(),
    Utf8View: () => new Utf8(),
    Binary: same,
    LargeBinary: () => new Binary(),
    BinaryView: () => new Binary(),
    FixedSizeBinary: () => new Binary(),
    Date: ({ unit }) => (unit === DateUnit.DAY ? type : new DateDay()),
    Time: () => new TimeNanosecond(),
    Timestamp: ({ timezone }) => new TimestampMicrosecond(timezone),
    Duration: () => new DurationMicrosecond(),
    Interval: ({ unit }) =>
      unit === IntervalUnit.DAY_TIME
        ? refused("Convert it to a duration, or to an interval of months, days and nanoseconds.")()
        : type,
    Struct: ({ children }) =>
      new Struct(children.map((child) => sparkField(child, child.name, `${path}.${child.name}`))),
    List: list,
    LargeList: list,
    FixedSizeList: list,
    Map: ({ children: [entries], keysSorted }) => {
      const [key, value] = entries!.type.children as [Field, Field];
      // A key is never null, whatever its field says.
      const parts = [
        new Field("key", sparkType(key.type, `${path}.key`), false, new Map(key.metadata)),
        sparkField(value, "value", `${path}.value`),
      ] as [Field, Field];
      return new Map_(new Field("entries", new Struct(parts), false) as Field<Struct>, keysSorted) as DataType;
    },
    Union: refused("Split it into a column for each of its types."),
    Dictionary: ({ dictionary }) => sparkType(dictionary, path),
  };
  return byType(type, types);
}
