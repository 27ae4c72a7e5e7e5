"""Writes Arrow IPC streams of random, nested data: argv is directory, seed, how many."""
import datetime, decimal, json, os, random, sys
from decimal import Decimal
import pyarrow as pa

directory, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
decimal.getcontext().prec = 80
decimals = [(1, 0), (9, 2), (18, 6), (38, 10)]
in_dictionary = [pa.string(), pa.binary(), pa.int64(), pa.float64(), pa.date32(), pa.decimal128(38, 10), pa.bool_()]
leaves = [
    *(pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.null()),
    *(pa.string(), pa.binary(), pa.large_string(), pa.large_binary(), pa.string_view(), pa.binary_view(), pa.binary(3)),
    *(pa.date32(), pa.timestamp("us", "Europe/Paris"), pa.timestamp("us"), pa.timestamp("ns"), pa.duration("us")),
    *(pa.time64("us"), pa.time64("ns"), pa.time32("ms"), pa.uint16(), pa.uint64()),
    *(pa.decimal128(*parameters) for parameters in decimals),
]


def random_type(depth):
    if depth == 0 or rng.random() < 0.35:
        if rng.random() < 0.1:
            return pa.dictionary(rng.choice([pa.int8(), pa.int32(), pa.uint16()]), rng.choice(in_dictionary))
        return rng.choice(leaves)
    kind = rng.choice(["list", "large", "struct", "map", "fixed"])
    if kind == "list":
        return pa.list_(random_field("element", depth))
    if kind == "large":
        return pa.large_list(random_field("element", depth))
    if kind == "fixed":
        # Nullable: pyarrow can't read its own files where a required one is in a struct that is null.
        return pa.list_(random_field("element", depth), rng.choice([1, 2, 3]))
    if kind == "map":
        return pa.map_(rng.choice([pa.string(), pa.int32(), pa.binary()]), random_field("value", depth))
    return pa.struct([random_field(f"f{index}", depth) for index in range(rng.randint(1, 3))])


def random_field(name, depth):
    type_ = random_type(depth - 1)
    must = pa.types.is_null(type_) or pa.types.is_dictionary(type_) or pa.types.is_fixed_size_list(type_)
    return pa.field(name, type_, nullable=must or rng.random() < 0.7, metadata={"k": name} if depth > 2 else None)


def integer(bits, signed):
    return rng.randint(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else rng.randint(0, 2**bits - 1)


def value(type_, nullable=True):
    types = pa.types
    if types.is_null(type_) or (nullable and rng.random() < 0.25):
        return None
    if types.is_dictionary(type_):
        return value(type_.value_type, False)
    if types.is_boolean(type_):
        return rng.random() < 0.5
    if types.is_integer(type_):
        return integer(type_.bit_width, types.is_signed_integer(type_))
    if types.is_floating(type_):
        return rng.randint(-1000, 1000) / 8
    if types.is_decimal(type_):
        return Decimal(rng.randint(-(10**type_.precision) + 1, 10**type_.precision - 1)).scaleb(-type_.scale)
    if types.is_fixed_size_binary(type_):
        return rng.randbytes(type_.byte_width)
    if types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return "".join(rng.choice("ab\u00e9\U0001f600") for _ in range(rng.choice([0, 1, 3, 10, 20])))
    if types.is_binary(type_) or types.is_large_binary(type_) or types.is_binary_view(type_):
        return rng.randbytes(rng.choice([0, 1, 3, 10, 20]))
    if types.is_date(type_):
        return datetime.date.fromordinal(rng.randint(1, 3000000))
    if types.is_time(type_):
        return rng.randint(0, 86399)
    if types.is_timestamp(type_) or types.is_duration(type_):
        return rng.randint(-(2**55), 2**55)
    if types.is_fixed_size_list(type_):
        return [value(type_.value_type, type_.value_field.nullable) for _ in range(type_.list_size)]
    if types.is_list(type_) or types.is_large_list(type_):
        return [value(type_.value_type, type_.value_field.nullable) for _ in range(rng.choice([0, 1, 2, 5]))]
    if types.is_map(type_):
        return [
            (value(type_.key_type, False), value(type_.item_type, type_.item_field.nullable))
            for _ in range(rng.choice([0, 1, 2, 4]))
        ]
    return {field.name: value(field.type, field.nullable) for field in type_}


os.makedirs(directory, exist_ok=True)
names = []
while len(names) < count:
    schema = pa.schema([random_field(f"c{index}", 4) for index in range(rng.randint(1, 4))], metadata={"s": "m"})
    try:
        batches = [
            pa.record_batch([pa.array([value(f.type, f.nullable) for _ in range(rows)], f.type) for f in schema], schema=schema)
            for rows in rng.choices([0, 1, 7, 8, 9, 64, 100], k=rng.choice([1, 2, 3]))
        ]
        for batch in batches:
            batch.validate(full=True)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        continue  # a dictionary that pyarrow can't build, or builds with too many values or too few
    names.append(f"{seed}-{len(names)}")
    with pa.ipc.new_stream(f"{directory}/{names[-1]}.arrow", schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
print(json.dumps(names))
