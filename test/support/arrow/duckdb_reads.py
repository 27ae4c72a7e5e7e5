"""
Compares what DuckDB reads of Parquet files with what it reads of the same data as pyarrow writes it: argv is pairs of paths,
an Arrow IPC stream and a Parquet file made of it. Prints what differs, and how many files were compared.
"""
import json, os, sys
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

found, compared = [], 0
for arrow_path, path in zip(sys.argv[1::2], sys.argv[2::2]):
    other = f"{path}.pyarrow.parquet"
    try:
        pq.write_table(pa.ipc.open_stream(arrow_path).read_all(), other, store_decimal_as_integer=True)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        continue  # some dictionaries
    numbered = [f"SELECT row_number() OVER () AS row_number, * FROM '{name}'" for name in (other, path)]
    try:
        duckdb.sql(f"CREATE OR REPLACE TABLE pyarrows AS SELECT * FROM '{other}'")
    except duckdb.Error:
        continue  # nor does DuckDB read all that pyarrow writes
    counts = [duckdb.sql(f"SELECT count(*) FROM ({query})").fetchall() for query in numbered]
    rows = duckdb.sql(" EXCEPT ALL ".join(f"({query})" for query in numbered)).fetchall()
    if rows or counts[0] != counts[1]:
        found.append(f"{path}: {counts[1]} rows where pyarrow's has {counts[0]}; there, but not here: {str(rows)[:500]}")
    compared += 1
    os.remove(other)
print(json.dumps([found, compared]))
