"""PySpark's own Connect client, over its iterator of record batches: the innermost one that hands out Arrow data, which
its public iterators (of one-batch tables, of rows) are made of."""

import json
import os
import resource
import time

import pyarrow
from pyspark.sql.connect.client import SparkConnectClient
from pyspark.sql.connect.proto import Plan

task = json.loads(os.environ["BENCH_TASK"])
url = f"{task['url']}/;session_id={task['sessionId']}"
if "token" in task:
    # With a token PySpark wants TLS, unless the host goes by the name of localhost.
    url = url.replace("//127.0.0.1:", "//localhost:") + f";token={task['token']}"
client = SparkConnectClient(url)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def drain():
    plan = Plan()
    plan.root.sql.query = task["query"]
    request = client._execute_plan_request_with_metadata()
    request.plan.CopyFrom(plan)
    rows = batches = 0
    for item in client._execute_and_fetch_as_iterator(request, {}):
        if isinstance(item, pyarrow.RecordBatch):
            rows += item.num_rows
            batches += 1
    return {"rows": rows, "batches": batches}


for _ in range(1, task["passes"]):
    drain()
cpu_before = cpu_seconds()
start = time.perf_counter()
counted = drain()
seconds = time.perf_counter() - start
measurement = {
    **counted,
    "seconds": seconds,
    "cpuSeconds": cpu_seconds() - cpu_before,
    "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}
client.close()
print(json.dumps(measurement))
