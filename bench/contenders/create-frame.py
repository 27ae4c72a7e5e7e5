"""What create-frame.ts does, by PySpark's Connect client."""

import sys

import pyarrow as pa
from measured import connection_string, measured
from pyspark.sql.connect.session import SparkSession

file, target = sys.argv[1:]
session = SparkSession.builder.remote(connection_string()).create()
with pa.ipc.open_stream(file) as reader:
    table = reader.read_all()


def drain(_query, tally):
    session.createDataFrame(table).write.mode("overwrite").parquet(target)
    tally.add(table.num_rows)


measured(drain, session.stop)
