/**
 * What a task does behind its hello (tasks/task-source.ts), as source text in Python; wire.ts has the other side.
 *
 * It sends a partition's batches, waits until all of them are acknowledged, and gives one row, which comes back as the
 * result of the query. Memory: one batch, and its copy that is sent.
 */
import type { PythonFunction } from "../../connect/python/python-function.js";
import { CUT, SHAPED } from "../../tasks/python-source.js";
import { type LinkSettings, taskFunction } from "../../tasks/task-source.js";

export interface PushSettings extends LinkSettings {
  /** The schema that every batch must have: an Arrow IPC stream of it, in base64. */
  readonly schema: string;
  /** The codec of a batch's buffers; "" for none. */
  readonly codec: string;
}

/** The columns of the row that a task gives, in their order. */
export const taskColumns = {
  partition: "integer",
  attempt: "integer",
  rows: "long",
  batches: "long",
  bytes: "long",
  digest: "binary",
} as const;

export function pushTask(settings: PushSettings): PythonFunction {
  return taskFunction("push", SHAPED + CUT + SOURCE, settings, taskColumns);
}

const SOURCE = String.raw`
HEADER = struct.Struct(">BIQQQ32s")
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"


def messages(batch):
    """Of an Arrow IPC stream."""
    if codec:
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, batch.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
            writer.write_batch(batch)
        return [out.getvalue()]
    return [batch.schema.serialize(), batch.serialize(), END_OF_STREAM]


def sent(link, batches, here):
    """Sends the batches behind those that are here already, and returns the totals of all."""
    rows = count = size = 0
    digest = hashlib.sha256()
    expected = pa.ipc.open_stream(base64.b64decode(schema)).schema
    totals = lambda: (rows, count, size, digest.digest() if count else bytes(32))
    for batch in batches:
        if batch.num_rows == 0:
            continue
        pieces = messages(shaped(batch, expected))
        length = sum(memoryview(piece).nbytes for piece in pieces)
        for piece in pieces:
            digest.update(piece)
        rows, count, size = rows + batch.num_rows, count + 1, size + length
        if count > here:
            link.send(HEADER.pack(ord("B"), length, *totals()), *pieces)
        elif count == here:
            link.send(HEADER.pack(ord("R"), 0, *totals()))
    if cut():
        raise ConnectionAbortedError("the executor's JVM is gone")
    link.send(HEADER.pack(ord("E"), 0, *totals()))
    op, _ = link.receive()
    if op != b"A":
        raise ConnectionResetError("Node did not take all")
    return totals()


def push(batches):
    context = TaskContext.get()
    partition, attempt = context.partitionId(), context.attemptNumber()
    link = Link(partition, attempt)
    try:
        _, payload = link.receive()
        totals = sent(link, batches, int.from_bytes(payload, "big"))
    except OSError as error:
        raise Trouble(f"the connection of partition {partition}, attempt {attempt}, was cut: {error}") from None
    finally:
        link.socket.close()
    rows, count, size, digest = totals
    values = {"partition": (partition, pa.int32()), "attempt": (attempt, pa.int32()), "rows": (rows, pa.int64()),
              "batches": (count, pa.int64()), "bytes": (size, pa.int64()), "digest": (digest, pa.binary())}
    yield pa.RecordBatch.from_arrays([pa.array([value], kind) for value, kind in values.values()], list(values))
`;
