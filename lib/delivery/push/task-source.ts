/**
 * What a task does, as source text in Python: its standard library, and pyarrow. It goes with the query's plan to where
 * the executors run; wire.ts has the other side.
 *
 * It sends a partition's batches, waits until all of them are acknowledged, and gives one row, which comes back as the
 * result of the query. Memory: one batch, and its copy that is sent.
 */
import type { PythonFunction } from "../../connect/python/python-function.js";
import { PROBE } from "./wire.js";

/** What a task has to know of the stream. */
export interface TaskSettings {
  readonly host: string;
  readonly port: number;
  /** Hex. */
  readonly secret: string;
  /** SHA-256 of the certificate, hex; "" without TLS. */
  readonly fingerprint: string;
  /** The schema that every batch must have: an Arrow IPC stream of it, in base64. */
  readonly schema: string;
  /** The codec of a batch's buffers; "" for none. */
  readonly codec: string;
  /** s that it tries to connect. */
  readonly patience: number;
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

/** Stands before what an error in Python means for the stream. */
export const TROUBLE = "spark-arrow-stream cannot push:";

export function pushTask(settings: TaskSettings): PythonFunction {
  return { name: "push", expression: expression("push", settings), output: taskColumns };
}

/** Connects and proves itself, as a task does, and reports the outcome instead of failing. */
export function pushProbe(settings: TaskSettings): PythonFunction {
  return { name: "push_probe", expression: expression("probe", settings), output: { trouble: "binary" } };
}

function expression(name: string, settings: TaskSettings): string {
  // JSON of ASCII strings and numbers is Python, too.
  return `(lambda scope: (exec(${JSON.stringify(SOURCE)}, scope), scope[${JSON.stringify(name)}])[1])(${JSON.stringify(settings)})`;
}

const SOURCE = String.raw`
import base64, hashlib, hmac, os, select, socket, ssl, struct, time
import pyarrow as pa
from pyspark import TaskContext

HEADER = struct.Struct(">BIQQQ32s")
TOTALS = struct.Struct(">QQQ32s")
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
SILENCE = 60  # s without a sign of life, while Node has the task wait
AGAIN = 1  # s that a task which was there before tries where nobody listens any more
TIMEOUT = 5  # s for each step until both sides are proven


class Trouble(Exception):
    def __init__(self, what):
        super().__init__(f"${TROUBLE} {what}")


def proof(*said):
    return hmac.new(bytes.fromhex(secret), b"".join(said), "sha256").digest()


def exactly(link, size):
    data = b""
    while len(data) < size:
        piece = link.recv(size - len(data))
        if not piece:
            raise ConnectionResetError("the connection was closed")
        data += piece
    return data


def opened(partition, attempt):
    link = socket.create_connection((host, port), timeout=TIMEOUT)
    try:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, option):
                link.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        if fingerprint:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE  # the fingerprint says more
            link = context.wrap_socket(link)
            if hashlib.sha256(link.getpeercert(True)).hexdigest() != fingerprint:
                raise Trouble(f"the certificate at {host}:{port} is not this stream's")
        mine = os.urandom(32)
        theirs = exactly(link, 32)
        claim = b"SAS1" + mine + struct.pack(">II", partition, attempt)
        link.sendall(claim + proof(b"task", theirs, claim))
        if not hmac.compare_digest(exactly(link, 32), proof(b"node", mine, theirs)):
            raise Trouble(f"what answers at {host}:{port} does not know the stream's secret")
        link.setblocking(False)
        return link
    except BaseException:
        link.close()
        raise


def connected(partition, attempt):
    begin = time.monotonic()
    while True:
        try:
            return opened(partition, attempt)
        except OSError as error:
            gone = attempt > 0 and isinstance(error, ConnectionRefusedError)
            if time.monotonic() - begin > (AGAIN if gone else patience):
                raise Trouble(f"{host}:{port} cannot be reached from {socket.gethostname()}: {error}") from None
            time.sleep(0.1)


class Link:
    def __init__(self, partition, attempt):
        self.socket = connected(partition, attempt)
        self.inbox = b""

    def send(self, *pieces):
        for piece in pieces:
            view = memoryview(piece).cast("B")
            while view:
                view = view[self.attempt(lambda: self.socket.send(view), select.POLLOUT) or 0:]

    def receive(self):
        """The next message, as its op and payload; signs of life are none."""
        while True:
            if len(self.inbox) >= 2 and len(self.inbox) >= 2 + self.inbox[1]:
                end = 2 + self.inbox[1]
                op, payload, self.inbox = self.inbox[:1], self.inbox[2:end], self.inbox[end:]
                if op != b".":
                    return op, payload
            else:
                self.attempt(self.take_in, select.POLLIN)

    def take_in(self):
        piece = self.socket.recv(4096)
        if not piece:
            raise ConnectionResetError("Node has closed the connection")
        self.inbox += piece
        return piece

    def attempt(self, operation, event):
        """What it gives; None where it has to be tried again, now that something has happened."""
        try:
            return operation()
        except ssl.SSLWantReadError:
            event = select.POLLIN
        except ssl.SSLWantWriteError:
            event = select.POLLOUT
        except BlockingIOError:
            pass
        poll = select.poll()
        poll.register(self.socket, event | select.POLLIN)
        happened = poll.poll(SILENCE * 1000)
        if not happened:
            raise ConnectionAbortedError(f"nothing was heard from Node for {SILENCE} s")
        if operation != self.take_in and happened[0][1] & ~select.POLLOUT:
            try:
                self.take_in()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        return None


def shaped(batch, schema):
    """With the schema that Spark's other clients see: what it optimises may make less nullable."""
    if len(schema) == 0:
        return batch.select([])
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    columns = [column if column.type.equals(field.type) else column.cast(field.type)
               for column, field in zip(batch.columns, schema)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


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
        op, payload = link.receive()
        if op == b"D":
            attempt, totals = int.from_bytes(payload[:4], "big"), TOTALS.unpack(payload[4:])
        else:
            totals = sent(link, batches, int.from_bytes(payload, "big"))
    except OSError as error:
        raise Trouble(f"the connection of partition {partition}, attempt {attempt}, was cut: {error}") from None
    finally:
        link.socket.close()
    rows, count, size, digest = totals
    values = {"partition": (partition, pa.int32()), "attempt": (attempt, pa.int32()), "rows": (rows, pa.int64()),
              "batches": (count, pa.int64()), "bytes": (size, pa.int64()), "digest": (digest, pa.binary())}
    yield pa.RecordBatch.from_arrays([pa.array([value], kind) for value, kind in values.values()], list(values))


def probe(batches):
    trouble = b""
    try:
        connected(${PROBE}, 0).close()
    except Exception as error:
        trouble = str(error).encode()
    yield pa.RecordBatch.from_arrays([pa.array([trouble], pa.binary())], ["trouble"])
`;
