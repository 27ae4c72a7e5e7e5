"""
Compares Parquet files, and Arrow files and streams (.arrow, .arrows), with the Arrow IPC streams they were made from, value
by value: argv is pairs of paths. Prints a list of what differs. As in pyarrow's own Parquet files, a dictionary may come
back there as the values it stands for, and the parts of a map may have other names.
"""
import json, sys
import pyarrow as pa
import pyarrow.parquet as pq


def plain(type_):
    types = pa.types
    if types.is_dictionary(type_):
        return pa.string() if types.is_large_string(type_.value_type) else type_.value_type
    if types.is_fixed_size_list(type_):
        return pa.list_(plain_field(type_.value_field), type_.list_size)
    if types.is_large_list(type_):
        return pa.large_list(plain_field(type_.value_field))
    if types.is_list(type_):
        return pa.list_(plain_field(type_.value_field))
    if types.is_map(type_):
        return pa.map_(plain_field(type_.key_field).with_name("key"), plain_field(type_.item_field).with_name("value"))
    if types.is_struct(type_):
        return pa.struct([plain_field(field) for field in type_])
    return type_


def plain_field(field):
    return field.with_type(plain(field.type))


def bits(column):
    """Floats by their bits: NaN equals itself, and 0.0 isn't -0.0."""
    if not pa.types.is_floating(column.type):
        return column
    unsigned = {16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}[column.type.bit_width]
    return pa.chunked_array([chunk.view(unsigned) for chunk in column.chunks], unsigned)


def read(path):
    if path.endswith(".arrows"):
        return pa.ipc.open_stream(path).read_all()
    if path.endswith(".arrow"):
        return pa.ipc.open_file(path).read_all()
    file = pq.ParquetFile(path)
    # One by one: pyarrow can't read some nested types over several row groups.
    return pa.concat_tables([file.read_row_group(group) for group in range(file.num_row_groups)] or [file.read()])


def differences(arrow_path, other_path):
    expected = pa.ipc.open_stream(arrow_path).read_all()
    actual = read(other_path)
    actual.validate(full=True)
    same = plain_field if other_path.endswith(".parquet") else lambda field: field
    if actual.num_rows != expected.num_rows or len(actual.schema) != len(expected.schema):
        yield f"{actual.num_rows} rows, {len(actual.schema)} columns"
        return
    for key, value in (expected.schema.metadata or {}).items():
        if (actual.schema.metadata or {}).get(key) != value:
            yield f"schema metadata {key}"
    for index, field in enumerate(expected.schema):
        other = actual.schema.field(index)
        if not same(field).equals(same(other), check_metadata=True):
            yield f"{field} ({field.metadata}) is now {other} ({other.metadata})"
        elif not bits(expected.column(index)).equals(bits(actual.column(index))):
            if expected.column(index).to_pylist() != actual.column(index).to_pylist():
                yield f"the values of {field}"


paths = sys.argv[1:]
found = []
for arrow_path, other_path in zip(paths[::2], paths[1::2]):
    try:
        found += [f"{other_path}: {difference}" for difference in differences(arrow_path, other_path)]
    except Exception as error:
        found.append(f"{other_path}: {error!r}")
print(json.dumps(found))
