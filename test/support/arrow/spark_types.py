"""Writes, as Arrow IPC streams, one table per type that Spark can send, and others: argv[1] is the directory."""
import decimal, json, os, sys
from decimal import Decimal
import pyarrow as pa

decimal.getcontext().prec = 80
directory = sys.argv[1]
tables = {}


def add(name, array, nullable=True):
    field = pa.field(name, array.type, nullable=nullable, metadata={"comment": name})
    tables[name] = pa.table([array], schema=pa.schema([field], metadata={"origin": "spark"}))


add("boolean", pa.array([True, False, None, True, True]))
for bits in (8, 16, 32, 64):
    add(f"int{bits}", pa.array([0, -1, None, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))], getattr(pa, f"int{bits}")()))
    add(f"uint{bits}", pa.array([0, 1, None, 2**bits - 1, 7], getattr(pa, f"uint{bits}")()))
for name in ("float16", "float32", "float64"):
    add(name, pa.array([1.5, None, float("nan"), float("-inf"), -0.0], getattr(pa, name)()))
for precision in range(1, 39):
    for scale in sorted({0, 1, precision // 2, precision}):
        largest = Decimal(10**precision - 1).scaleb(-scale)
        values = [largest, None, Decimal(0), -largest, Decimal(1).scaleb(-scale)]
        add(f"decimal_{precision}_{scale}", pa.array(values, pa.decimal128(precision, scale)))
add("string", pa.array(["a", "", None, "h\u00e9\U0001f600", "x" * 1000]))
add("large_string", pa.array(["a", "", None, "h\u00e9", "x" * 100], pa.large_string()))
add("string_view", pa.array(["a", "", None, "h\u00e9", "x" * 100], pa.string_view()))
add("binary", pa.array([b"a", b"", None, b"\xff\x00", b"x" * 1000]))
add("large_binary", pa.array([b"a", b"", None, b"\xff\x00", b"x" * 100], pa.large_binary()))
add("binary_view", pa.array([b"a", b"", None, b"\xff\x00", b"x" * 100], pa.binary_view()))
add("fixed_binary", pa.array([b"abc", None, b"\0\0\0", b"xyz", b"123"], pa.binary(3)))
add("date", pa.array([0, -1, None, 2932896, -719162], pa.date32()))
for unit in ("ms", "us", "ns"):
    for zone in (None, "UTC", "America/Los_Angeles", "+05:30"):
        name = f"timestamp_{unit}_{(zone or 'ntz').replace('/', '-')}"
        add(name, pa.array([0, -1, None, 2**62, -(2**62)], pa.timestamp(unit, zone)))
for unit in ("s", "ms", "us", "ns"):
    add(f"duration_{unit}", pa.array([0, -1, None, 2**62, -(2**62)], pa.duration(unit)))
add("time32_ms", pa.array([0, 1, None, 86399999, 5], pa.time32("ms")))
add("time64_us", pa.array([0, 1, None, 86399999999, 5], pa.time64("us")))
add("time64_ns", pa.array([0, 1, None, 86399999999999, 5], pa.time64("ns")))
add("null", pa.nulls(5))
element = pa.field("element", pa.int32())
required = element.with_nullable(False)
add("array", pa.array([[1, None], [], None, [2], [3, 4]], pa.list_(element)))
add("array_required", pa.array([[1], [], None, [2], [3, 4]], pa.list_(required)))
add("large_array", pa.array([[1, None], [], None, [2], [3, 4]], pa.large_list(element)))
add("fixed_array", pa.array([[1, None], [2, 3], None, [2, 5], [3, 4]], pa.list_(element, 2)))
struct = pa.struct([("a", pa.int32()), ("b", pa.string())])
add("struct", pa.array([{"a": 1, "b": "x"}, {"a": None, "b": "y"}, None, {"a": 2, "b": None}, {"a": 3, "b": ""}], struct))
add("map", pa.array([[("a", 1)], [], None, [("b", None)], [("a", 2), ("c", 3)]], pa.map_(pa.string(), pa.int64())))
variant = pa.struct(
    [
        pa.field("value", pa.binary(), nullable=False),
        pa.field("metadata", pa.binary(), nullable=False, metadata={"variant": "true"}),
    ]
)
add("variant", pa.array([{"value": b"\x0c\x01", "metadata": b"\x01\0\0"}, None] * 2, variant))
# Spark's writer makes the fields of a null struct null too, required or not.
masked = [pa.array([b"\x0c\x01", None]), pa.array([b"\x01\0\0", None])]
nulls = pa.array([False, True])
add("variant_null", pa.StructArray.from_arrays(masked, fields=list(variant), mask=nulls))
geometry = pa.struct([pa.field("srid", pa.int32(), nullable=False), pa.field("wkb", pa.binary(), nullable=False)])
add("geometry", pa.array([{"srid": 4326, "wkb": b"\x01"}, None], geometry))
add("required", pa.array([1, 2, 3, 4, 5]), nullable=False)
add("dictionary", pa.array(["a", "b", None, "a", ""]).dictionary_encode())
add("dictionary_int", pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0, 1], pa.int8()), pa.array([10, 20])))
add("dictionary_null", pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2], pa.int8()), pa.array(["x", None, "y"])))
add("decimal256", pa.array([Decimal("1.23"), None, Decimal("-4.56")], pa.decimal256(60, 2)))
words = pa.array(["a", "b", "a", None]).dictionary_encode()
add("array_dictionary", pa.ListArray.from_arrays(pa.array([0, 1, 1, 2, 4], pa.int32()), words))
add("", pa.array([1, 2]))

os.makedirs(directory, exist_ok=True)
for name, table in tables.items():
    with pa.ipc.new_stream(f"{directory}/{name or 'no name'}.arrow", table.schema) as writer:
        writer.write_table(table)
print(json.dumps([name or "no name" for name in tables]))
