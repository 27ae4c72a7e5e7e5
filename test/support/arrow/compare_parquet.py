"""
Compares Parquet files with others of the same data, by what their footers say: argv is pairs of paths, the second of them
written by parquet-wasm. Prints a list of what differs: schema, levels, counts and statistics, leaf by leaf. What may:
names inside of maps; DECIMAL(1, s), an INT64 there; statistics of a column with a NaN, and of more than its 64 bytes.
"""
import json, sys
import pyarrow.parquet as pq


def path(text):
    return text.replace(".entries.", ".key_value.").replace(".keys", ".key").replace(".values", ".value")


def statistics(column):
    found = column.statistics
    if found is None:
        return None
    ends = [found.min_raw, found.max_raw] if found.has_min_max else []
    return [found.null_count, *(repr(end)[:62] if isinstance(end, bytes) else repr(end) for end in ends)]


def same(ours, oracle, column):
    no_range = ours is not None and len(ours) == 1
    floating = column.physical_type in ("FLOAT", "DOUBLE") or column.logical_type.type == "FLOAT16"
    return ours == oracle or (no_range and floating and ours[0] == oracle[0])


def leaf(column):
    physical = "INT32" if column.logical_type.type == "DECIMAL" and "precision=1," in str(column.logical_type) else column.physical_type
    return [path(column.path), physical, column.length, str(column.logical_type), column.converted_type,
            column.max_definition_level, column.max_repetition_level]


found = []
for ours, oracle in zip(sys.argv[1::2], sys.argv[2::2]):
    a, b = pq.ParquetFile(ours), pq.ParquetFile(oracle)
    for index in range(max(len(a.schema), len(b.schema))):
        column, other = a.schema.column(index), b.schema.column(index)
        if leaf(column) != leaf(other):
            found.append(f"{ours}: {leaf(column)} and {leaf(other)}")
        if a.num_row_groups != 1 or b.num_row_groups != 1:
            continue
        one, two = (f.metadata.row_group(0).column(index) for f in (a, b))
        if one.num_values != two.num_values:
            found.append(f"{ours}: {one.num_values} values and {two.num_values}")
        one, two = statistics(one), statistics(two)
        if not same(one, two, column):
            found.append(f"{ours}, {column.path}: {one} and {two}")
print(json.dumps(found))
