/**
 * What all tasks have in common that connect to this process, as source text in Python: its standard library, and pyarrow.
 * It goes with the query's plan to where the executors run; claim.ts and proof.ts have the other side.
 */
import type { PythonFunction } from "../connect/python/python-function.js";
import { PROBE } from "./claim.js";
import { sourceFunction } from "./python-source.js";

/** What a task has to know of the stream. */
export interface LinkSettings {
  readonly host: string;
  readonly port: number;
  /** Hex. */
  readonly secret: string;
  /** SHA-256 of the certificate, hex; "" without TLS. */
  readonly fingerprint: string;
  /** s that it tries to connect. */
  readonly patience: number;
}

/** Stands before what an error in Python means for the stream. */
export const TROUBLE = "spark-arrow-stream, link of a task:";

/**
 * A function for tasks.
 *
 * @param source Python that defines the function `name`, of an iterator of record batches. It has `Link` and the settings, as
 *   names, besides what is imported below.
 */
export function taskFunction(
  name: string,
  source: string,
  settings: LinkSettings,
  output: PythonFunction["output"],
): PythonFunction {
  return sourceFunction(name, LINK + source, settings, output);
}

/** Connects and proves itself, as a task does, and reports the outcome instead of failing. */
export function probeFunction(settings: LinkSettings): PythonFunction {
  return taskFunction("probe", PROBE_SOURCE, settings, { trouble: "binary" });
}

const LINK = `
import base64, hashlib, hmac, os, select, socket, ssl, struct, time
import pyarrow as pa
from pyspark import TaskContext

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
                self.attempt(self.take_in, select.POLLIN, False)

    def take_in(self):
        piece = self.socket.recv(4096)
        if not piece:
            raise ConnectionResetError("Node has closed the connection")
        self.inbox += piece
        return piece

    def attempt(self, operation, event, takes_in=True):
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
        if takes_in and happened[0][1] & ~select.POLLOUT:
            try:
                self.take_in()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        return None
`;

const PROBE_SOURCE = `
def probe(batches):
    trouble = b""
    try:
        connected(${PROBE}, 0).close()
    except Exception as error:
        trouble = str(error).encode()
    yield pa.RecordBatch.from_arrays([pa.array([trouble], pa.binary())], ["trouble"])
`;
