"""
What other libraries read of files that the writers wrote: argv is paths (.parquet, .arrow, .arrows, .csv, .ndjson). Prints,
by path and by reader, the names of the columns and each column's values as text, or the error. Cells of CSV are read as text;
a null is nothing, or \\N in files with null_text in their names.
"""
import json, os, sys
from decimal import Decimal

os.environ.update(POLARS_VERBOSE="0", RUST_BACKTRACE="0")
import datafusion, duckdb, pandas, polars
import pyarrow as pa
import pyarrow.csv, pyarrow.json, pyarrow.parquet

NANOS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def pandas_table(frame):
    series = [frame.iloc[:, place] for place in range(frame.shape[1])]
    arrow = [isinstance(each.dtype, pandas.ArrowDtype) for each in series]
    # Not by from_pandas, which wants no nulls above fields that have none.
    arrays = [each.array.__arrow_array__() if is_arrow else pa.array(each, from_pandas=True) for each, is_arrow in zip(series, arrow)]
    return pa.Table.from_arrays(arrays, [str(name) for name in frame.columns])


def csv_names(path):
    with open(path, newline="") as file:
        import csv
        return next(csv.reader(file))


def duck(query):
    connection = duckdb.connect()
    connection.sql("SET TimeZone = 'UTC'")
    return connection.sql(query).to_arrow_table()


def null_text(path):
    return "\\N" if "null_text" in path else ""


def fusion(method, path, **options):
    table = getattr(datafusion.SessionContext(), method)(path, **options).collect()
    return pa.Table.from_batches(table) if table else None


def text_schema(path):
    return pa.schema([(name, pa.string()) for name in csv_names(path)])


def quoted(path):
    return "'" + path.replace("'", "''") + "'"


readers = {
    "parquet": {
        "pyarrow": lambda path: pa.parquet.ParquetFile(path).read(),
        "pandas": lambda path: pandas_table(pandas.read_parquet(path, dtype_backend="pyarrow")),
        "polars": lambda path: polars.read_parquet(path).to_arrow(),
        "duckdb": lambda path: duck(f"SELECT * FROM read_parquet({quoted(path)})"),
        "datafusion": lambda path: fusion("read_parquet", path),
    },
    "arrow": {
        "pyarrow": lambda path: pa.ipc.open_file(path).read_all(),
        "pandas": lambda path: pandas_table(pandas.read_feather(path, dtype_backend="pyarrow")),
        "polars": lambda path: polars.read_ipc(path).to_arrow(),
        "datafusion": lambda path: fusion("read_arrow", path),
    },
    "arrows": {
        "pyarrow": lambda path: pa.ipc.open_stream(path).read_all(),
        "polars": lambda path: polars.read_ipc_stream(path).to_arrow(),
    },
    "csv": {
        "pyarrow": lambda path: pa.csv.read_csv(
            path,
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(column_types=text_schema(path), null_values=[null_text(path)], strings_can_be_null=True, quoted_strings_can_be_null=False),
        ),
        "pandas": lambda path: pandas_table(pandas.read_csv(path, dtype=str, keep_default_na=False, na_values=[null_text(path)])),
        "polars": lambda path: polars.read_csv(path, infer_schema=False, null_values=null_text(path) or None).to_arrow(),
        "duckdb": lambda path: duck(
            f"SELECT * FROM read_csv({quoted(path)}, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '{null_text(path)}')"
        ),
        "datafusion": lambda path: fusion("read_csv", path, schema=text_schema(path), has_header=True),
    },
    "ndjson": {
        "json": lambda path: [json.loads(line) for line in open(path)],
        "pyarrow": lambda path: pa.json.read_json(path),
        "pandas": lambda path: pandas_table(pandas.read_json(path, lines=True, dtype=False, convert_dates=False)),
        "polars": lambda path: polars.read_ndjson(path, infer_schema_length=None).to_arrow(),
        "duckdb": lambda path: duck(f"SELECT * FROM read_json({quoted(path)}, format = 'newline_delimited', map_inference_threshold = -1)"),
        "datafusion": lambda path: fusion("read_json", path, file_extension=".ndjson"),
    },
}


def text(value):
    """One text for a value, whatever a library makes of it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "-0" if str(value) == "-0.0" else repr(value).removesuffix(".0")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and isinstance(value, tuple):
            return "{" + f"key: {text(value[0])}, value: {text(value[1])}" + "}"
        return "[" + ", ".join(str(text(part)) for part in value) + "]"
    return str(value)


def column(array):
    """Times as counts of nanoseconds, and days of days: Python's own types end at the year 9999."""
    type_ = array.type
    if pa.types.is_dictionary(type_):
        return column(array.cast(type_.value_type))
    if pa.types.is_date32(type_):
        return [text(value) for value in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_timestamp(type_) or pa.types.is_duration(type_) or pa.types.is_time64(type_):
        factor = NANOS[type_.unit]
        pa.scalar(0, type_).as_py()  # which fails for a zone that Python does not know
        return [None if value is None else str(value * factor) for value in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_floating(type_):
        return [text(value) for value in array.cast(pa.float64()).to_pylist()]
    return [text(value) for value in array.to_pylist()]


def read(reader, path):
    try:
        table = reader(path)
        if isinstance(table, list):
            names = list(table[0]) if table else []
            return {"names": names, "columns": [[text(row[name]) for row in table] for name in names]}
        if table is None:
            return {"names": None, "columns": []}
        return {"names": table.schema.names, "columns": [column(table.column(i).combine_chunks()) for i in range(table.num_columns)]}
    except BaseException as error:  # polars panics
        return {"error": f"{type(error).__name__}: {error}"[:300]}


found = {}
for path in sys.argv[1:]:
    found[path] = {name: read(reader, path) for name, reader in readers[path.rsplit(".", 1)[1]].items()}
print(json.dumps(found))
