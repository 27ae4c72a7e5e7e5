"""Compresses the bodies of all record batches of a recording, whatever they were: recompress.py FRAMES CODEC OUT

FRAMES and OUT hold responses of ExecutePlan, each after one byte 0 and a uint32 length (big endian). Prints the bytes of
Arrow data in OUT."""

import struct
import sys

import pyarrow
from pyspark.sql.connect.proto import ExecutePlanResponse

frames, codec, out = sys.argv[1:]
options = pyarrow.ipc.IpcWriteOptions(compression=codec)
arrow_bytes = 0
with open(frames, "rb") as source, open(out, "wb") as target:
    while prefix := source.read(5):
        message = source.read(struct.unpack(">I", prefix[1:])[0])
        response = ExecutePlanResponse.FromString(message)
        if response.HasField("arrow_batch"):
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.open_stream(response.arrow_batch.data) as reader:
                with pyarrow.ipc.new_stream(sink, reader.schema, options=options) as writer:
                    for batch in reader:
                        writer.write_batch(batch)
            response.arrow_batch.data = sink.getvalue().to_pybytes()
            arrow_bytes += len(response.arrow_batch.data)
            message = response.SerializeToString()
        target.write(struct.pack(">BI", 0, len(message)))
        target.write(message)
print(arrow_bytes)
