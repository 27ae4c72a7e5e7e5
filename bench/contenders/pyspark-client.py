"""PySpark's own Connect client, by one of its ways (sys.argv[1]):

raw       gRPC's responses as the stub gives them, not decoded
batches   its iterator of record batches: the innermost one that hands out Arrow data, which its public iterators (of
          one-batch tables, of rows) are made of
table     what toArrow() is made of: the whole result as one table
c-stream  SPARK-54337's own path: the batches that DataFrame.__arrow_c_stream__ hands out. In PySpark 4.3.0 that method itself
          fails for a frame with a timestamp (it asks for no time zone), so its batches are taken one level below
rows      toLocalIterator()
"""

import sys
import uuid

import pyarrow
from measured import connection_string, measured
from pyspark.sql.connect.client import SparkConnectClient
from pyspark.sql.connect.proto import Plan, ReattachOptions
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.interchange import _get_arrow_array_partition_stream


def plan_of(query):
    plan = Plan()
    plan.root.sql.query = query
    return plan


def request_of(query):
    request = client._execute_plan_request_with_metadata()
    request.plan.CopyFrom(plan_of(query))
    return request


def raw(query, tally):
    request = request_of(query)
    request.operation_id = str(uuid.uuid4())
    request.request_options.add().reattach_options.CopyFrom(ReattachOptions(reattachable=True))
    for response in client._stub.ExecutePlan(request, metadata=client._builder.metadata()):
        if response.HasField("arrow_batch"):
            tally.add(response.arrow_batch.row_count)


def batches(query, tally):
    for item in client._execute_and_fetch_as_iterator(request_of(query), {}):
        if isinstance(item, pyarrow.RecordBatch):
            tally.add(item.num_rows)


def table(query, tally):
    found, _, _ = client.to_table(plan_of(query), {})
    tally.add(found.num_rows)


def c_stream(query, tally):
    for batch in _get_arrow_array_partition_stream(session.sql(query)):
        tally.add(batch.num_rows)


def rows(query, tally):
    for _ in session.sql(query).toLocalIterator():
        tally.add(1)


way = {"raw": raw, "batches": batches, "table": table, "c-stream": c_stream, "rows": rows}[sys.argv[1]]
if way in (c_stream, rows):
    session = SparkSession.builder.remote(connection_string()).create()
    client = session.client
else:
    client = SparkConnectClient(connection_string())


def finish():
    client.release_session()
    client.close()


measured(way, finish)
