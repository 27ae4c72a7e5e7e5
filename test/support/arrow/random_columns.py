"""
Writes one Arrow IPC stream of some 60,000 rows in batches of all sizes: argv is path, seed. Its columns are what a writer of
Parquet decides by: few values and many, few at first and many later, sorted, long, null, empty, and lists of them.
"""
import json, random, sys
import numpy as np
import pyarrow as pa
import pyarrow.compute

path, seed = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(seed)
sizes = random.Random(seed).choices([0, 1, 3, 8, 100, 1000, 9999], k=14) + [30000]
rows = sum(sizes)
number = np.arange(rows)


def distinct(count):
    return rng.integers(0, count, rows)


def late(few):
    """Few values in the first half, only new ones in the second."""
    return np.where(number < rows // 2, number % few, number)


def texts(ids, width):
    return pa.array([f"{id_:0{width}d}é" for id_ in ids])


def listed(values, size, nulls):
    lengths = rng.integers(0, size, rows + 1)
    offsets = np.concatenate([[0], np.cumsum(lengths)])[: rows + 1]
    while offsets[-1] > len(values):
        values = pa.concat_arrays([values, values])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values.slice(0, offsets[-1]), mask=pa.array(rng.random(rows) < nulls))


arrays = {
    "unique": pa.array(number * 7919),
    "few": pa.array(distinct(9).astype("int32")),
    "constant": pa.array(np.full(rows, 2.5)),
    "runs": pa.array(number // 5000),
    "late": pa.array(late(7).astype("float64") / 3),
    "late_int32": pa.array((late(1000) * 40503).astype("int32")),
    "small": pa.array(rng.integers(-128, 128, rows).astype("int8")),
    "unsigned": pa.array(rng.integers(0, 2**64, rows, dtype="uint64")),
    "bool": pa.array(rng.random(rows) < 0.01),
    "text": texts(distinct(500), 3),
    "long_text": texts(distinct(20), 700),
    "unique_text": texts(number, 12),
    "late_text": texts(late(11), 40),
    "binary": pa.array([rng.bytes(int(n)) for n in rng.integers(0, 40, rows)]),
    "decimal": pa.array(distinct(5000) - 2500).cast(pa.decimal128(38, 0)),
    "decimal_18": pa.array(late(3).astype("int32")).cast(pa.decimal128(18, 0)),
    "fixed": pa.array([(int(id_) % 300).to_bytes(3, "big") for id_ in late(5)], pa.binary(3)),
    "time": pa.array(number * 1_000_003, pa.timestamp("us", "UTC")),
}
names = random.Random(seed).sample(list(arrays), 9)
masks = {"none": lambda: None, "few": lambda: rng.random(rows) < 0.01, "most": lambda: rng.random(rows) < 0.97,
         "all": lambda: np.ones(rows, bool), "blocks": lambda: (number // 3000) % 2 == 0}
columns = {}
for name in names:
    mask = masks[random.Random(f"{seed}{name}").choice(list(masks))]()
    nothing = pa.scalar(None, arrays[name].type)
    columns[name] = arrays[name] if mask is None else pa.compute.if_else(pa.array(mask), nothing, arrays[name])
columns["list"] = listed(arrays[names[0]], 4, 0.1)
columns["lists"] = listed(columns["list"], 3, 0.3)
columns["struct"] = pa.StructArray.from_arrays([columns[names[1]], columns["list"]], ["a", "b"], mask=pa.array(number % 3 == 0))
table = pa.table(columns)
with pa.ipc.new_stream(path, table.schema) as writer:
    start = 0
    for size in sizes:
        for batch in table.slice(start, size).combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]:
            writer.write_batch(batch)
        start += size
print(json.dumps(rows))
