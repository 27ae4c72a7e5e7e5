"""What measured.ts is for Node: runs a drain as the task says, and prints its measurement as the last line."""

import json
import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor

task = json.loads(os.environ["BENCH_TASK"])


def connection_string():
    """The server, the session and the token, as PySpark and its like take them."""
    url = f"{task['url']}/;session_id={task['sessionId']}"
    if "token" not in task:
        return url
    # With a token they want TLS, unless the host goes by the name of localhost.
    return url.replace("//127.0.0.1:", "//localhost:") + f";token={task['token']}"


class Tally:
    """What a pass hands out is told to it, batch by batch."""

    def __init__(self):
        self.rows = self.batches = 0
        self.first = None
        self.start = time.perf_counter()

    def add(self, rows):
        if self.first is None:
            self.first = time.perf_counter() - self.start
        self.rows += rows
        self.batches += 1


def measured(drain, finish):
    samples = task.get("samples", 1)

    def one(_):
        tally = Tally()
        drain(task["query"], tally)
        return tally, time.perf_counter() - tally.start

    for warm in range(samples, task["passes"]):
        one(warm)
    cpu_before = cpu_seconds()
    start = time.perf_counter()
    if task.get("concurrency", 1) > 1:
        with ThreadPoolExecutor(task["concurrency"]) as pool:
            done = list(pool.map(one, range(samples)))
    else:
        done = [one(sample) for sample in range(samples)]
    wall = time.perf_counter() - start
    seconds = [seconds for _, seconds in done]
    measurement = {
        "rows": done[0][0].rows,
        "batches": done[0][0].batches,
        "seconds": quantile(seconds, 0.5),
        "fastestSeconds": quantile(seconds, 0),
        "p99Seconds": quantile(seconds, 0.99),
        "firstBatchSeconds": quantile([tally.first or seconds for tally, seconds in done], 0.5),
        "wallSeconds": wall,
        "cpuSeconds": (cpu_seconds() - cpu_before) / samples,
        "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    finish()
    print(json.dumps(measurement))


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
