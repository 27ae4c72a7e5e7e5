"""The ADBC driver for Spark Connect (in Go), over its stream of record batches."""

import pyarrow
from adbc_driver_manager import AdbcConnection, AdbcStatement
from adbc_driver_spark import DatabaseOptions, connect
from measured import measured, task

options = {DatabaseOptions.SESSION_ID.value: task["sessionId"]}
if "token" in task:
    options |= {DatabaseOptions.TOKEN.value: task["token"], DatabaseOptions.TLS_ENABLED.value: "false"}
database = connect(task["url"], db_kwargs=options)
connection = AdbcConnection(database)


def drain(query, tally):
    with AdbcStatement(connection) as statement:
        statement.set_sql_query(query)
        stream, _ = statement.execute_query()
        for batch in pyarrow.RecordBatchReader._import_from_c(stream.address):
            tally.add(batch.num_rows)


def finish():
    connection.close()
    database.close()


measured(drain, finish)
