"""
Writes Arrow IPC streams of nested types into the directory argv[1], and prints their names: dictionaries, unions, lists, maps
and structs within each other, two levels deep, with nulls and without.
"""
import json, sys
import pyarrow as pa

directory = sys.argv[1]
COUNT = 12


def index(count, nulls):
    return pa.array([None if nulls and i % 4 == 1 else (i * 5) % count for i in range(COUNT)], pa.int8())


def mask(nulls):
    return pa.array([nulls and i % 5 == 2 for i in range(COUNT)])


def offsets(nulls):
    return pa.array([None if nulls and i in (3, 7) else i for i in range(COUNT)] + [COUNT], pa.int32())


def union(values, dense):
    ids = pa.array([i % 2 for i in range(COUNT)], pa.int8())
    texts = pa.array([f"text {i}" for i in range(COUNT)])
    if not dense:
        return pa.UnionArray.from_sparse(ids, [values, texts], ["a", "b"])
    return pa.UnionArray.from_dense(ids, pa.array([i // 2 for i in range(COUNT)], pa.int32()), [values, texts], ["a", "b"])


# Each makes COUNT values of COUNT others.
makers = {
    "dictionary": lambda values, nulls: pa.DictionaryArray.from_arrays(index(COUNT, nulls), values),
    "list": lambda values, nulls: pa.ListArray.from_arrays(offsets(nulls), values),
    "large_list": lambda values, nulls: pa.LargeListArray.from_arrays(offsets(nulls).cast(pa.int64()), values),
    "fixed_list": lambda values, nulls: pa.FixedSizeListArray.from_arrays(
        pa.concat_arrays([values, values]), 2, mask=mask(True) if nulls else None
    ),
    "struct": lambda values, nulls: pa.StructArray.from_arrays(
        [values, pa.array(range(COUNT))], ["a", "b"], mask=mask(True) if nulls else None
    ),
    "map": lambda values, nulls: pa.MapArray.from_arrays(offsets(nulls), pa.array([f"k{i}" for i in range(COUNT)]), values),
    "sparse_union": lambda values, nulls: union(values, False),
    "dense_union": lambda values, nulls: union(values, True),
}
leaves = {
    "text": lambda nulls: pa.array([None if nulls and i % 3 == 1 else f"é{i}" for i in range(COUNT)]),
    "bool": lambda nulls: pa.array([None if nulls and i % 3 == 1 else i % 2 == 0 for i in range(COUNT)]),
}
arrays = {}
for nulls in (False, True):
    for leaf, make in leaves.items():
        first = {f"{name}_{leaf}": maker(make(nulls), nulls) for name, maker in makers.items()}
        second = {f"{name}_{inner}": (name, values) for inner, values in first.items() for name in makers}
        arrays |= {f"{name}_{nulls}": array for name, array in first.items()}
        for name, (maker, values) in second.items():
            try:
                arrays[f"{name}_{nulls}"] = makers[maker](values, nulls)
            except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError):
                pass

written = []
for name, array in arrays.items():
    path = f"{directory}/{name}.arrow"
    try:
        with pa.ipc.new_stream(path, pa.schema([("c", array.type)])) as writer:
            writer.write_batch(pa.record_batch([array], ["c"]))
        pa.ipc.open_stream(path).read_all().validate(full=True)
    except (OSError, pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        print(f"{name}: {error!r}", file=sys.stderr)  # pyarrow does not read a dictionary of dictionaries
        continue
    written.append(name)
print(json.dumps(written))
