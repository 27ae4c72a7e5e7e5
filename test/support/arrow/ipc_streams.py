"""Prints Arrow IPC streams of every type, as base64 by their names: types, codecs, slices, and what is empty."""
import base64, decimal, json, random
from decimal import Decimal
import pyarrow as pa

decimal.getcontext().prec = 80


def stream(batches, schema=None, compression=None):
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, schema or batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return base64.b64encode(sink.getvalue()).decode()


def column(name, array):
    return pa.record_batch([array], [name])


money = [Decimal("1.23"), None, Decimal("-4.56"), Decimal(0), Decimal("1.00")]
texts = ["a", None, "", "h\u00e9\U0001f600", "x" * 100]
blobs = [b"a", None, b"", b"\0\xff", b"x" * 100]
arrays = {
    "null": pa.nulls(5),
    "bool": pa.array([True, None, False, True, True]),
    "string": pa.array(texts),
    "large_string": pa.array(texts, pa.large_string()),
    "binary": pa.array(blobs),
    "large_binary": pa.array(blobs, pa.large_binary()),
    "fixed_binary": pa.array([b"abc", None, b"def", b"ghi", b"jkl"], pa.binary(3)),
    "date32": pa.array([1, None, -3, 4, 5], pa.date32()),
    "date64": pa.array([86400000, None, 0, -86400000, 5 * 86400000], pa.date64()),
    "timestamp_zoned": pa.array([1, None, -3, 4, 5], pa.timestamp("us", "Europe/Berlin")),
    "month_day_nano": pa.array([(1, 2, 3), None, (-4, 5, 6), (7, -8, 9), (0, 0, 0)], pa.month_day_nano_interval()),
    "decimal128": pa.array(money, pa.decimal128(38, 2)),
    "decimal256": pa.array(money, pa.decimal256(60, 2)),
    "list": pa.array([[1, 2], None, [], [3, None], [4]], pa.list_(pa.int32())),
    "large_list": pa.array([["a", "b"], None, [], ["c", None], ["d"]], pa.large_list(pa.string())),
    "fixed_list": pa.array([[1, 2], None, [3, None], [4, 5], [6, 7]], pa.list_(pa.int16(), 2)),
    "fixed_list_of_binary": pa.array([[b"ab"], None, [None], [b"cd"], [b"ef"]], pa.list_(pa.binary(2), 1)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 3, "b": None}, {"a": 4, "b": "z"}]),
    "map": pa.array([[("k", 1), ("l", 2)], None, [], [("m", None)], [("n", 5)]], pa.map_(pa.string(), pa.int64())),
    "deep": pa.array(
        [[{"m": [("k", [[1, None], None])]}], None, [], [None], [{"m": None}, {"m": []}]],
        pa.list_(pa.struct([("m", pa.map_(pa.string(), pa.list_(pa.list_(pa.int32()))))])),
    ),
}
for bits in (8, 16, 32, 64):
    arrays[f"int{bits}"] = pa.array([1, None, -(2 ** (bits - 1)), 0, 2 ** (bits - 1) - 1], f"int{bits}")
    arrays[f"uint{bits}"] = pa.array([1, None, 2**bits - 1, 0, 7], f"uint{bits}")
for name in ("float16", "float32", "float64"):
    arrays[name] = pa.array([1.5, None, float("nan"), float("-inf"), -0.0], name)
for unit in ("s", "ms", "us", "ns"):
    arrays[f"timestamp_{unit}"] = pa.array([1, None, -3, 4, 5], pa.timestamp(unit))
    arrays[f"duration_{unit}"] = pa.array([1, None, -3, 4, 5], pa.duration(unit))
    arrays[f"time_{unit}"] = pa.array([1, None, 3, 4, 5], f"time{32 if unit in ('s', 'ms') else 64}[{unit}]")

by_arrow = {  # what goes through apache-arrow's own reader
    "dictionary": pa.array(["a", "b", None, "a", "b"]).dictionary_encode(),
    "dictionary_in_list": pa.ListArray.from_arrays([0, 2, 3], pa.array(["a", "b", "a"]).dictionary_encode()),
    "dense_union": pa.UnionArray.from_dense(
        pa.array([0, 1, 0, 1, 0], pa.int8()),
        pa.array([0, 0, 1, 1, 2], pa.int32()),
        [pa.array([1, 2, 3]), pa.array(["x", "y"])],
    ),
    "sparse_union": pa.UnionArray.from_sparse(
        pa.array([0, 1, 0, 1, 0], pa.int8()), [pa.array([1, 2, 3, 4, 5]), pa.array(["x", "y", "z", "u", "v"])]
    ),
    "string_view": pa.array(["a", None, "", "x" * 100, "more than twelve bytes"], pa.string_view()),
    "binary_view": pa.array([b"a", None, b"", b"x" * 100, b"more than twelve bytes"], pa.binary_view()),
}
unknown = {
    "run_end_encoded": pa.RunEndEncodedArray.from_arrays(pa.array([2, 5], pa.int32()), pa.array(["a", "b"])),
    "list_view": pa.array([[1, 2], None, [], [3, None], [4]], pa.list_view(pa.int32())),
}

everything = pa.record_batch(list(arrays.values()), list(arrays))
rng = random.Random(1)
# Random bytes do not get smaller: pyarrow leaves such a buffer as it is and says so. The others do.
mixed = pa.record_batch(
    [pa.array([rng.randbytes(9) for _ in range(1000)]), pa.array([7] * 1000), pa.array([f"text {i % 9}" for i in range(1000)])],
    ["random", "same", "text"],
)
batches = {
    **{name: [column(name, array)] for name, array in (arrays | by_arrow).items()},
    "everything": [everything],
    "several batches": [everything.slice(0, 2), everything.slice(0, 0), everything.slice(2, 3)],
    "a slice": [everything.slice(2, 2)],
    "no rows": [everything.slice(0, 0)],
    "all null": [pa.record_batch([pa.nulls(3, array.type) for array in arrays.values()], list(arrays))],
    "no nulls": [mixed],
}
print(
    json.dumps(
        {
            "plan": [name for name in batches if name not in by_arrow],
            "arrow": list(by_arrow),
            "streams": {name: stream(of) for name, of in batches.items()},
            "no batch": stream([], everything.schema),
            "unknown": {name: stream([column(name, array)]) for name, array in unknown.items()},
            **{
                codec: {name: stream(of, compression=codec) for name, of in batches.items()}
                for codec in ("lz4", "zstd")
            },
            "long": {codec or "plain": stream([pa.record_batch([pa.array(range(50000))], ["n"])], compression=codec)
                     for codec in (None, "lz4", "zstd")},
        }
    )
)
