"""pyspark-client-rust, PySpark's interface over a client in Rust. It has no iterator of batches: toArrow() it is."""

from measured import connection_string, measured
from pyspark.sql import SparkSession

session = SparkSession.builder.remote(connection_string()).getOrCreate()


def drain(query, tally):
    tally.add(session.sql(query).toArrow().num_rows)


measured(drain, session.stop)
