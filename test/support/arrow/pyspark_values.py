"""
Compares NDJSON and CSV files with what PySpark says of the queries they were made from: argv is the server's URL and a JSON
list of { type, sql, ndjson, csv }. Prints a list of what differs.
"""
import base64, csv, datetime, decimal, json, math, sys
import duckdb
import numpy
import pyarrow as pa
from pyspark.sql import SparkSession

spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "Europe/Vienna")
spark.conf.set("spark.sql.timeType.enabled", "true")
UTC = datetime.timezone.utc


def duration(value):
    """ISO 8601 by way of Python's own arithmetic."""
    micros = abs(value) // datetime.timedelta(microseconds=1)
    days, micros = divmod(micros, 86_400_000_000)
    hours, micros = divmod(micros, 3_600_000_000)
    minutes, micros = divmod(micros, 60_000_000)
    return f"{'-' if value < datetime.timedelta(0) else ''}P{days}DT{hours}H{minutes}M{micros / 1e6}S"


def plain(value, type_):
    """The value as it should come out of a JSON reader."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        if pa.types.is_float32(type_):
            value = float(str(numpy.float32(value)))  # the shortest digits of it
        return value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            return value.isoformat(timespec="microseconds")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return duration(value)
    if pa.types.is_map(type_):
        entries = [(plain(key, type_.key_type), plain(item, type_.item_type)) for key, item in value]
        if pa.types.is_struct(type_.key_type):
            return [{"key": key, "value": item} for key, item in entries]
        return {str(key): item for key, item in entries}
    if pa.types.is_list(type_):
        return [plain(item, type_.value_type) for item in value]
    if pa.types.is_struct(type_):
        return {field.name: plain(value[field.name], field.type) for field in type_}
    raise TypeError(f"{value!r} of {type_}")


def expected(sql, type_):
    """Ids and values. What pyarrow has no Python value for, Spark itself is asked for as text."""
    if type_.startswith("VARIANT"):
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        rows = spark.sql(sql.replace("'2026-06-30 12:34:56.5'", "'2026-06-30 10:34:56.5'")).selectExpr("id", "to_json(value)").collect()
        spark.conf.set("spark.sql.session.timeZone", "Europe/Vienna")
        return [[row[0], row[1] and json.loads(row[1])] for row in rows]
    if type_ == "INTERVAL YEAR TO MONTH":
        rows = spark.sql(sql).selectExpr("id", "extract(YEAR FROM value)", "extract(MONTH FROM value)").collect()
        return [[row[0], None if row[1] is None else f"P{row[1]}Y{row[2]}M"] for row in rows]
    if type_ == "INTERVAL":
        parts = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE"]
        rows = spark.sql(sql).selectExpr("id", *(f"extract({p} FROM value)" for p in parts), "extract(SECOND FROM value)").collect()
        return [[r[0], None if r[1] is None else f"P{r[1]}Y{r[2]}M{r[3]}DT{r[4]}H{r[5]}M{float(r[6])}S"] for r in rows]
    table, _ = spark.sql(sql)._to_table()
    value_type = table.schema.field("value").type
    return [[row["id"], plain(row["value"], value_type)] for row in table.to_pylist()]


def text(value):
    """A value of JSON as the text of a CSV cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


differences = []
for query in json.loads(sys.argv[2]):
    name = query["type"]
    want = expected(query["sql"], name)
    found = [[row["id"], row["value"]] for row in map(json.loads, open(query["ndjson"], encoding="utf-8"))]
    if found != want:
        differences.append(f"{name}: NDJSON has {found} where {want} should be")
    count = duckdb.sql(f"SELECT count(*), count(value) FROM read_json('{query['ndjson']}', format = 'newline_delimited')").fetchall()[0]
    if count != (3, sum(value is not None for _, value in want)):
        differences.append(f"{name}: DuckDB counts {count} in the NDJSON")
    if query["csv"] is None:
        continue
    cells = [[int(row["id"]), row["value"]] for row in csv.DictReader(open(query["csv"], encoding="utf-8", newline=""))]
    if name.startswith("VARIANT"):
        cells = [[id_, cell and json.loads(cell)] for id_, cell in cells]
        want = [[id_, value or ""] for id_, value in want]
    else:
        want = [[id_, text(value)] for id_, value in want]
    if cells != want:
        differences.append(f"{name}: CSV has {cells} where {want} should be")
    if len(set(len(r) for r in csv.reader(open(query["csv"], encoding="utf-8", newline="")))) != 1:
        differences.append(f"{name}: CSV has rows of several lengths")
print(json.dumps(differences))
