export const help = `Run a Spark query and stream its result into a file or a pipe.

  spark-arrow-stream --remote sc://host:15002 --sql "SELECT …" -o trips.parquet
  spark-arrow-stream --local --file report.sql --param day=2026-06-30 | head
  spark-arrow-stream --table trips --limit 1000 -f csv > trips.csv

Or the other way: a file becomes rows of a table.

  spark-arrow-stream --input trips.csv --into lake.trips --mode append
  other-program | spark-arrow-stream --input - -f ndjson --into s3a://lake/events --partition-by day

Where Spark is (default: the environment's SPARK_REMOTE)
  --remote URL         a Spark Connect server: sc://host[:port]/;token=…;use_ssl=true
  --local [N]          a local Spark on this machine, with N cores; installed on first use
  --connect-timeout S  wait S seconds for a server that is not up yet, such as a cluster that has to start

What to run (one of these)
  --sql TEXT           a query
  --file PATH          a file with a query; - is standard input
  --table NAME         a whole table or view
  --param NAME=VALUE   the value of :NAME in the query; may be repeated. 5, true, null and "5" are read as JSON,
                       anything else is a string. Bound by the protocol, never inserted into the text
  --limit N            at most N rows
  --delivery NAME      result (default): one query; staged: computed once onto the executors' disks and read piece by
                       piece, for a result that is too large for Spark's driver; push: sent by the executors
                       to this machine: they need Python with pyarrow and must be able to connect; stored: the executors
                       write into a store, from which this machine reads

For --delivery staged
  --staged-path URI    keep the result here meanwhile, on storage that Spark's driver and executors share:
                       s3a://bucket/tmp; default: on the executors' disks
  --staged-table NAME  or in a table whose name begins so

For --delivery push
  --listen HOST        the address to listen on; default: this machine's address on the way to the server
  --port N             the port to listen on; default: a free one
  --advertise HOST     the address that executors connect to, if they see this machine under another one; or HOST:PORT
  --order NAME         arrival (default): batches as they arrive; partition: one partition after the other

For --delivery stored
  --store URI          a directory that the executors and this machine share: file:///mnt/shared
  --order NAME         partition (default) or arrival

Where the result goes
  -o, --output PATH    a file, which appears when it is complete; - is standard output, the default
  -f, --format NAME    parquet, arrow (IPC file), arrows (IPC stream), csv or ndjson.
                       Default: by the file's extension; ndjson on standard output
  --compression NAME   parquet: zstd (default), snappy, gzip, brotli, lz4_raw, uncompressed; arrows: none, zstd;
                       csv, ndjson: none, gzip, zstd. Default for these: by the extension, .csv.gz or .csv.zst

What goes into Spark, and where
  -i, --input PATH     a file; - is standard input. Format as above; .csv.gz and .ndjson.gz are unpacked. Parquet is
                       read with the package parquet-wasm, if it is installed
  --into NAME          a table, or a path if it has a slash: s3a://bucket/events
  --mode NAME          if it exists: error (default), append, overwrite, ignore. All rows are there in the end, or none
  --using NAME         the format that Spark writes: parquet, delta, iceberg, …
  --partition-by A,B   one directory per value of these columns
  --schema DDL         the columns of csv and ndjson, "id BIGINT, day DATE". Default: those of a table that is appended
                       to; else text for csv, and what Spark infers for ndjson. The first line of csv names the columns
  --delivery NAME      upload (default): through Spark's driver; pull: executors connect to this machine and fetch it,
                       with --listen, --port and --advertise as for push

  -q, --quiet          neither progress nor summary
  -h, --help           this text
  --version            the version

On a terminal, standard error shows a progress bar: tasks done, rows, MB/s. Ctrl-C stops the job on Spark and leaves no
partial file.

Exit codes
  0    done; also when the reader of a pipe stops early
  1    Spark or the target failed: the message says which and why
  2    the command line is invalid
  130  interrupted by Ctrl-C (143: SIGTERM, 129: SIGHUP)
`;
