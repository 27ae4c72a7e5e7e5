/**
 * What a task does, as source text in Python: it writes its partition as Arrow IPC streams into the store, in parts, and gives
 * one row that names them. Spark delivers that row only if the attempt counts, so files without a row are never read.
 *
 * Spark's batches may be small (push/batch-bounds.ts), and each buffer of each costs the reader: so they are joined, up to
 * the rows that a batch may have.
 *
 * Memory: two batches of Spark, or JOINED bytes if these are small, and what the file system buffers.
 */
import type { PythonFunction } from "../../connect/python/python-function.js";
import { CUT, SHAPED, sourceFunction } from "../../tasks/python-source.js";

export interface StorePlace {
  /** A Python expression; see StoreExecutors. */
  readonly filesystem: string;
  /** The stream's directory, as the executors see it. */
  readonly directory: string;
}

export interface StoreSettings extends StorePlace {
  /** The schema that every batch must have: an Arrow IPC stream of it, in base64. */
  readonly schema: string;
  /** The codec of a batch's buffers; "" for none. */
  readonly codec: string;
  /** The most rows of a batch. */
  readonly rows: number;
  /** The most bytes of a part, unless one batch has more. */
  readonly limit: number;
}

/** Stands before what an error in Python means for the stream. */
export const TROUBLE = "spark-arrow-stream, store of a task:";

/** The name of the file that the probe writes. */
export const PROBE_FILE = "probe";

/** The columns of the row that a task gives. `files` is JSON: of each its name, rows, bytes and SHA-256 in hex. */
const taskColumns = { partition: "integer", attempt: "long", files: "string" } as const;

export function storeTask(settings: StoreSettings): PythonFunction {
  return sourceFunction("store", STORE + SHAPED + CUT + SOURCE, settings, taskColumns);
}

/** Writes a file as a task does, and reports the outcome instead of failing. */
export function probeTask(settings: StorePlace & { readonly content: string }): PythonFunction {
  return sourceFunction("probe", STORE + PROBE, settings, { trouble: "string" });
}

const STORE = `
import base64, contextlib, hashlib, json, socket
import pyarrow as pa
import pyarrow.fs
from pyspark import TaskContext


class Trouble(Exception):
    def __init__(self, what):
        super().__init__(f"${TROUBLE} {what}")


@contextlib.contextmanager
def writing():
    try:
        yield
    except OSError as error:
        raise Trouble(f"{socket.gethostname()} cannot write to {directory}: {' '.join(str(error).split())}") from None


def opened(name):
    where = eval(filesystem, {"pyarrow": pa, "fs": pa.fs})
    return where.open_output_stream(f"{directory}/{name}", compression=None, buffer_size=1 << 20)
`;

const SOURCE = `
JOINED = 2 << 20  # bytes of a batch that others are joined to


class Part:
    """One file. It is also what the writer of the Arrow format writes to."""
    closed = False

    def __init__(self, name, schema):
        self.name, self.rows, self.bytes, self.digest = name, 0, 0, hashlib.sha256()
        self.out = opened(name)
        options = pa.ipc.IpcWriteOptions(compression=codec or None, use_threads=False)
        self.writer = pa.ipc.new_stream(pa.PythonFile(self, mode="w"), schema, options=options)

    def write(self, data):
        self.digest.update(data)
        self.bytes += memoryview(data).nbytes
        self.out.write(data)

    def flush(self):
        pass

    def close(self):
        self.closed = True

    def add(self, batch):
        self.writer.write_batch(batch)
        self.rows += batch.num_rows

    def finished(self):
        self.writer.close()
        self.out.close()
        return [self.name, self.rows, self.bytes, self.digest.hexdigest()]


def joined(batches):
    held, count, size = [], 0, 0
    for batch in batches:
        if held and (count + batch.num_rows > rows or size + batch.nbytes > JOINED or not batch.columns):
            yield of_all(held)
            held, count, size = [], 0, 0
        held.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
    if cut():
        raise Trouble("the executor's JVM is gone")  # and with it the row that would name the file
    if held:
        yield of_all(held)


def of_all(batches):
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def store(batches):
    context = TaskContext.get()
    partition, attempt = context.partitionId(), context.taskAttemptId()
    expected = pa.ipc.open_stream(base64.b64decode(schema)).schema
    part, files = None, []
    for batch in joined(shaped(batch, expected) for batch in batches if batch.num_rows > 0):
        with writing():
            if part and part.bytes + batch.nbytes > limit:
                files.append(part.finished())
                part = None
            part = part or Part(f"p{partition}-t{attempt}-{len(files)}.arrow", expected)
            part.add(batch)
    with writing():
        if part:
            files.append(part.finished())
    values = {"partition": (partition, pa.int32()), "attempt": (attempt, pa.int64()), "files": (json.dumps(files), pa.string())}
    yield pa.RecordBatch.from_arrays([pa.array([value], kind) for value, kind in values.values()], list(values))
`;

const PROBE = `

def probe(batches):
    trouble = ""
    try:
        with writing(), opened("${PROBE_FILE}") as out:
            out.write(content.encode())
    except Exception as error:
        trouble = str(error)
    yield pa.RecordBatch.from_arrays([pa.array([trouble], pa.string())], ["trouble"])
`;
