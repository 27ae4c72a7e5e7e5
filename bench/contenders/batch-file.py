"""
Record batches in memory to a file, by pyarrow or by DuckDB; with the codec, the encodings and the row groups that this
package's writers have.

  argv   "pyarrow", "duckdb" (all cores) or "duckdb-1" (one thread); the format; the file of frames that the batches come from
"""

import os
import shutil
import sys
import tempfile

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from measured import measured
from pyspark.sql.connect.proto import ExecutePlanResponse

ROW_GROUP_ROWS = 1024 * 1024
ROW_GROUP_BYTES = 64 * 1024 * 1024
library, format_, frames = sys.argv[1:]


def recorded_batches():
    with open(frames, "rb") as file:
        while prefix := file.read(5):
            response = ExecutePlanResponse.FromString(file.read(int.from_bytes(prefix[1:], "big")))
            if response.HasField("arrow_batch"):
                yield from pa.ipc.open_stream(response.arrow_batch.data)


def row_groups():
    rows, size, waiting = 0, 0, []
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(waiting)
            rows, size, waiting = 0, 0, []
    if waiting:
        yield pa.Table.from_batches(waiting)


def by_pyarrow(path):
    schema = batches[0].schema
    if format_ == "parquet":
        # Level 1 is pyarrow's own; decimals as Spark and this package have them.
        with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1, store_decimal_as_integer=True) as writer:
            for table in row_groups():
                writer.write_table(table, row_group_size=table.num_rows)
    elif format_ == "arrow":
        with pa.ipc.new_file(path, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
    else:
        with pa.csv.CSVWriter(path, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


def by_duckdb(path):
    options = {
        "parquet": f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP_ROWS}",
        "csv": "FORMAT csv",
        "ndjson": "FORMAT json",
    }
    connection.execute(f"COPY (SELECT * FROM batches) TO '{path}' ({options[format_]})")


batches = list(recorded_batches())
directory = tempfile.mkdtemp(prefix="bench-file-")
if library.startswith("duckdb"):
    import duckdb

    connection = duckdb.connect(config={"threads": 1} if library == "duckdb-1" else {})
    connection.register("batches", pa.Table.from_batches(batches))


def drain(_query, tally):
    path = os.path.join(directory, f"out.{format_}")
    (by_pyarrow if library == "pyarrow" else by_duckdb)(path)
    for batch in batches:
        tally.add(batch.num_rows)


measured(drain, lambda: shutil.rmtree(directory))
