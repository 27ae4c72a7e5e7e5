/**
 * What a task does behind its hello (tasks/task-source.ts), as source text in Python; wire.ts has the other side.
 *
 * Of its own input it takes the first number, which says what part of the frame this is, wherever in a plan the frame stands, and
 * gives Spark the batches that it gets from here, for each of which it asks when Spark has taken
 * an earlier one. Memory: two batches.
 */
import type { PythonFunction } from "../../connect/python/python-function.js";
import { TOLD } from "../../connect/python/told.js";
import { type LinkSettings, taskFunction } from "../../tasks/task-source.js";

/** @param columns the type of the rows, a struct */
export function pullTask(settings: LinkSettings, columns: PythonFunction["output"]): PythonFunction {
  return taskFunction("pull", SOURCE, settings, columns);
}

const SOURCE = `

class Told(Exception):
    pass


class Source(Link):
    def exactly(self, size):
        data = bytearray(size)
        view = memoryview(data)
        while view:
            view = view[self.attempt(lambda: self.into(view), select.POLLIN, False) or 0:]
        return data

    def into(self, view):
        size = self.socket.recv_into(view)
        if size == 0:
            raise ConnectionResetError("Node has closed the connection")
        return size


def pull(batches):
    slot = None
    for batch in batches:
        if slot is None and batch.num_rows > 0:
            slot = batch.column(0)[0].as_py()
    context = TaskContext.get()
    partition, attempt = context.partitionId(), context.attemptNumber()
    link = Source(partition, attempt)
    rows = 0
    try:
        link.send(b"S" + struct.pack(">QI", slot, context.stageId()) + b"NN")
        while True:
            head = link.exactly(5)
            op, size = head[:1], int.from_bytes(head[1:], "big")
            if op == b"B":
                for batch in pa.ipc.open_stream(pa.py_buffer(link.exactly(size))):
                    rows += batch.num_rows
                    yield batch
                link.send(b"N")
            elif op == b"E":
                link.send(b"F" + struct.pack(">Q", rows))
                return
            elif op == b"X":
                code, _, message = bytes(link.exactly(size)).decode().partition(" ")
                raise Told(f"${TOLD} {code}: {message}")
    except OSError as error:
        raise Trouble(f"the connection of task {partition}, attempt {attempt}, was cut: {error}") from None
    finally:
        link.socket.close()
`;
