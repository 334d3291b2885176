"""What is written is what was read: every format, every value, whatever the blocks."""

import csv
import gzip
import io
import json

import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from include.transfer.dataset import Dataset
from include.transfer.errors import ColumnsDiffer, NotRows
from include.transfer.formats import encode
from include.transfer.formats.csv import csv_field
from include.transfer.schema.columns import Columns
from include.transfer.source.blocks import Block
from include.transfer.source.json_rows import decode

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", " ", '"', ",", "\n", "\r", "\r\n", "\\.", "NA", "null", "true", "007", "😀", "a\0b", '""', "'"]
)
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = (
    st.none()
    | st.booleans()
    | NUMBERS
    | TEXTS
    | st.lists(TEXTS, max_size=2)
    | st.dictionaries(TEXTS, NUMBERS)
)
NAMES = st.lists(
    st.sampled_from(["a", "b", "c,d", 'e"', "f\n", "ü", ""]), min_size=1, max_size=5, unique=True
)


@st.composite
def tables(draw, values=VALUES):
    names = draw(NAMES)
    return draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, values)), min_size=1, max_size=10))


def body_of(rows):
    return json.dumps(rows, ensure_ascii=False).encode()


def written(rows, piece=1 << 20, **settings):
    """The object's bytes of `rows`, as they would come from a source; `rows` may be JSON already."""
    body = rows if isinstance(rows, bytes) else body_of(rows)
    dataset = Dataset(name="things", **settings)
    blocks = decode([body[i : i + piece] for i in range(0, len(body), piece)])
    how = dataset.format, dataset.compression, dataset.csv_formulas
    return b"".join(encode(blocks, Columns(dataset.types), *how))


def copy_reads(text):
    """Records of a CSV text as PostgreSQL's COPY reads them: None for nothing, "" for two quotes."""
    records, record, field, quoted, within = [], [], "", False, False
    position = 0
    while position < len(text):
        mark = text[position]
        if within:
            if mark == '"' and text[position + 1 : position + 2] == '"':
                field, position = field + '"', position + 1
            elif mark == '"':
                within = False
            else:
                field += mark
        elif mark == '"':
            within = quoted = True
        elif mark in ",\n":
            assert quoted or field != "\\." or record or mark == ",", "a bare \\. ends the data"
            record.append(field if quoted or field else None)
            field, quoted = "", False
            if mark == "\n":
                records.append(record)
                record = []
        else:
            assert mark != "\r", "COPY refuses a bare carriage return"
            field += mark
        position += 1
    assert not record
    assert not within
    return records


def as_csv(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


@settings(deadline=None)
@given(tables())
def test_csv(rows):
    text = written(rows, format="csv").decode()
    header, *records = copy_reads(text)
    assert [name or "" for name in header] == list(rows[0])
    assert records == [[as_csv(row[name]) for name in rows[0]] for row in rows]
    # Python's reader takes a lone null for an empty line.
    if len(rows[0]) > 1:
        read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert read[1:] == [[as_csv(row[name]) or "" for name in rows[0]] for row in rows]


@settings(deadline=None)
@given(tables(st.none() | NUMBERS | TEXTS))
def test_csv_is_the_same_whichever_way_is_taken(rows):
    """A block with a boolean takes the long way: the other rows' bytes must not show it."""
    alone = written(rows)
    beside = written([*rows, dict.fromkeys(rows[0], True)])
    assert beside == alone + ",".join(["true"] * len(rows[0])).encode() + b"\n"


@settings(deadline=None)
@given(tables(st.none() | NUMBERS | TEXTS), st.sampled_from([True, False, ["x"], {"x": 1}]))
def test_csv_is_the_same_whichever_blocks_went_before(rows, other):
    odd = [dict.fromkeys(rows[0], other)]
    plain, long = (
        b"".join(encode(iter([Block(rows), *blocks]), Columns({}), "csv", "none"))
        for blocks in ([], [Block(odd), Block(rows), Block(odd)])
    )
    line = ",".join([csv_field(other)] * len(rows[0])) + "\n"
    body = plain[len(b"".join(encode(iter([]), Columns(dict.fromkeys(rows[0], "string")), "csv", "none"))) :]
    assert long == plain + line.encode() + body + line.encode()


RUN = ["=1+1", "+49 30 1234", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"]
HARMLESS = ["", " =1", "'=1", "a=1", "1-2", -2, -0.5, None, True, ["=1"], "12345678901234567890"]


def test_formulas_are_kept_or_quoted():
    rows = [{"id": n, "text": value} for n, value in enumerate(RUN + HARMLESS)]
    kept = [as_csv(value) for value in RUN + HARMLESS]
    quoted = [f"'{text}" for text in RUN] + kept[len(RUN) :]
    for how, expected in (({}, kept), ({"csv_formulas": "quote"}, quoted)):
        _, *records = copy_reads(written(rows, **how).decode())
        assert [text for _, text in records] == expected
    ndjson = written(rows, format="ndjson", csv_formulas="quote")
    assert [json.loads(line) for line in ndjson.split(b"\n")[:-1]] == rows


def test_a_column_whose_name_is_a_formula_cannot_be_quoted():
    with pytest.raises(ColumnsDiffer) as raised:
        written([{"=cmd": 1}], csv_formulas="quote")
    assert "=cmd" in raised.value.got
    assert "csv_formulas" in raised.value.fix
    assert written([{"=cmd": 1}]) == b"=cmd\n1\n"


@settings(deadline=None)
@given(tables())
def test_ndjson(rows):
    lines = written(rows, format="ndjson").split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == rows
    assert [list(json.loads(line)) for line in lines[:-1]] == [list(row) for row in rows]
    assert lines[-1] == b""


# Neither a double nor 64 bits hold one of these.
LONG_NUMBERS = [
    "12345678901234567.89", "0.1234567890123456789", "100000000000000000000.01", "1E400", "-1e-400", "-0",
    "18446744073709551616", "7" * 5_000,
]  # fmt: skip
ONE_NUMBER = st.sampled_from([*LONG_NUMBERS, "0.1", "1.5", "1e-05", "7", "0.30000000000000004"])


def rows_of(numbers):
    return ("[" + ",".join(f'{{"n":{number},"t":"x"}}' for number in numbers) + "]").encode()


@pytest.mark.parametrize("number", LONG_NUMBERS)
def test_every_digit_is_written(number):
    body = f'[{{"n": {number}, "in": [{number}, {{"a": {number}}}], "flag": true, "alone": null}}]'.encode()
    nested = f'[{number},{{"a":{number}}}]'
    assert written(body, format="ndjson").decode() == (
        f'{{"n":{number},"in":{nested},"flag":true,"alone":null}}\n'
    )
    quoted = nested.replace('"', '""')
    assert written(body, format="csv").decode() == f'n,in,flag,alone\n{number},"{quoted}",true,\n'
    table = read_parquet(
        written(body, format="parquet", types=dict.fromkeys(["n", "in", "flag", "alone"], "string"))
    )
    assert table.to_pylist() == [{"n": number, "in": nested, "flag": "true", "alone": None}]


@pytest.mark.parametrize("format", ["csv", "ndjson"])
@settings(deadline=None)
@given(st.lists(ONE_NUMBER, min_size=1, max_size=6))
def test_a_number_is_written_the_same_whatever_its_neighbours_are(format, numbers):
    alone = [written(rows_of([number]), format=format).splitlines()[-1] for number in numbers]
    assert written(rows_of(numbers), format=format).splitlines()[-len(numbers) :] == alone


@pytest.mark.parametrize(
    ("kind", "number", "value"),
    [
        ("int64", "9007199254740993.0", 2**53 + 1),
        ("int64", "-0", 0),
        ("int64", "9223372036854775807.00", 2**63 - 1),
        ("double", "0.10000000000000001", 0.1),  # as C prints doubles: with 17 digits
        ("double", "0.1000000000000000055511151231257827", 0.1),
        ("double", "1" + "0" * 30, 1e30),
        ("double", "0.1234567890123456789", None),
        ("double", "100000000000000000000.01", None),
        ("double", "1e400", None),
        ("double", "1e-400", None),
        ("int64", "9223372036854775808.0", None),
        ("int64", "18446744073709551616", None),
        ("int64", "1e99999999999999999999", None),
        ("boolean", "0.1234567890123456789", None),
    ],
)
def test_parquet_takes_digits_that_its_type_holds_and_refuses_others(kind, number, value):
    body, types = rows_of(["null", number]), {"n": kind, "t": "string"}
    if value is not None:
        assert read_parquet(written(body, format="parquet", types=types)).column("n").to_pylist() == [
            None,
            value,
        ]
        return
    with pytest.raises(ColumnsDiffer) as raised:
        written(body, format="parquet", types=types)
    assert "row 1 " in raised.value.where
    assert number in raised.value.got
    assert "string" in raised.value.fix


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        (["1.5", "0.10000000000000001"], "double"),
        (["1.5", "0.1234567890123456789"], "string"),
        (["1", "18446744073709551616"], "string"),
        (["1", "-0"], "int64"),
    ],
)
def test_parquet_infers_a_type_that_holds_the_digits(numbers, kind):
    table = read_parquet(written(rows_of(numbers), format="parquet"))
    assert str(table.schema.field("n").type) == kind
    if kind == "string":
        assert table.column("n").to_pylist() == numbers


@pytest.mark.parametrize("value", [True, False, 7, 1.5, "n/a", None])
def test_parquet_takes_every_value_for_text_where_the_column_is(value):
    table = read_parquet(written([{"v": value}, {"v": "x"}], format="parquet", types={"v": "string"}))
    assert table.column("v").to_pylist() == [as_csv(value), "x"]


COLUMN_VALUES = {
    "string": TEXTS,
    "int64": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
    "boolean": st.booleans(),
}


@st.composite
def typed_tables(draw):
    types = draw(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(list(COLUMN_VALUES)), min_size=1))
    row = st.fixed_dictionaries({name: st.none() | COLUMN_VALUES[kind] for name, kind in types.items()})
    return types, draw(st.lists(row, min_size=1, max_size=10))


def read_parquet(data):
    return pq.read_table(io.BytesIO(data))


@settings(deadline=None)
@given(typed_tables())
def test_parquet_of_declared_types(typed):
    types, rows = typed
    table = read_parquet(written(rows, format="parquet", types=types))
    assert table.to_pylist() == rows
    named = {"string": "string", "int64": "int64", "double": "double", "boolean": "bool"}
    assert {field.name: str(field.type) for field in table.schema} == {n: named[k] for n, k in types.items()}


def test_parquet_takes_types_from_the_first_rows_whatever_the_order_of_their_keys():
    rows = [
        {"id": 1, "size": 2, "name": "a", "on": True, "none": None, "tags": ["x"]},
        {"tags": {"k": 10**30}, "none": None, "on": None, "name": None, "size": 1e-05, "id": None},
    ]
    table = read_parquet(written(rows, format="parquet"))
    assert {f.name: str(f.type) for f in table.schema} == {
        "id": "int64", "size": "double", "name": "string", "on": "bool", "none": "string", "tags": "string",
    }  # fmt: skip
    assert table.to_pylist() == [
        {"id": 1, "size": 2.0, "name": "a", "on": True, "none": None, "tags": '["x"]'},
        {"id": None, "size": 1e-05, "name": None, "on": None, "none": None, "tags": f'{{"k":{10**30}}}'},
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int64", 1.5), ("int64", "7"), ("int64", True), ("int64", 2**63), ("int64", [1]),
        ("double", "1.5"), ("double", True), ("double", 2**53 + 1), ("double", 10**300 + 1),
        ("boolean", 1), ("boolean", "true"), ("boolean", 0.0),
    ],
)  # fmt: skip
def test_parquet_names_row_and_column_of_a_misfit(kind, value):
    rows = [{"x": "a", "n": None}] * 3 + [{"x": "b", "n": value}]
    with pytest.raises(ColumnsDiffer, match=rf"row 3 of the batch: column n holds .*; it is {kind}"):
        written(rows, format="parquet", types={"x": "string", "n": kind})


def unpacked(data):
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


@pytest.mark.parametrize("format", ["csv", "ndjson"])
@pytest.mark.parametrize(("compression", "unpack"), [("gzip", gzip.decompress), ("zstd", unpacked)])
def test_compression_is_lossless_and_the_same_every_time(format, compression, unpack):
    rows = [{"n": n, "text": "wildfire " * (n % 7), "flag": n % 3 == 0} for n in range(20_000)]
    plain = written(rows, format=format)
    packed = {written(rows, piece, format=format, compression=compression) for piece in (1 << 20, 99_991)}
    assert len(packed) == 1
    assert unpack(packed.pop()) == plain


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_columns_in_another_order(format):
    rows = [{"a": 1, "b": "x"}, {"b": "y", "a": 2}]
    data = written(rows, format=format)
    if format == "csv":
        assert data == b"a,b\n1,x\n2,y\n"
    elif format == "ndjson":
        assert [json.loads(line) for line in data.splitlines()] == rows
    else:
        assert read_parquet(data).to_pylist() == rows


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize(
    ("odd", "says"),
    [
        ({"a": 1, "b": 2, "c": 3}, r"missing \[\], unexpected \['c'\]"),
        ({"a": 1, "c": 3}, r"missing \['b'\], unexpected \['c'\]"),
    ],
)
def test_other_columns(format, odd, says):
    rows = [{"a": n, "b": n} for n in range(30_000)]
    rows[25_000] = odd
    with pytest.raises(ColumnsDiffer, match=rf"row 25,000 of the batch: .*{says}"):
        written(rows, format=format)


def test_columns_other_than_declared():
    with pytest.raises(ColumnsDiffer, match=r"row 0 of the batch"):
        written([{"a": 1, "c": 2}], types={"a": "int64", "b": "string"})
    assert written([{"b": "x", "a": 1}], types={"a": "int64", "b": "string"}) == b"a,b\n1,x\n"


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_rows_without_columns(format):
    with pytest.raises(ColumnsDiffer, match="no columns"):
        written([{}, {}], format=format)


def test_a_batch_without_rows_is_a_valid_object():
    types = {"a": "int64", "b": "string"}
    assert written([], types=types) == b"a,b\n"
    assert written([]) == b""
    assert written([], format="ndjson", types=types) == b""
    assert gzip.decompress(written([], compression="gzip")) == b""
    table = read_parquet(written([], format="parquet", types=types))
    assert (table.num_rows, table.column_names) == (0, ["a", "b"])


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_deep_nesting_is_written_or_refused_by_name(format):
    for depth, must_fit in [(50, True), (300, True), (990, False)]:  # how deep Python goes varies by version
        row = b'{"a":' + b"[" * depth + b"]" * depth + b',"b":1}'
        blocks = decode([b"[" + row + b"]"])
        try:
            data = b"".join(encode(blocks, Columns({}), format, "none"))
        except NotRows as error:
            refused = str(error)
        else:
            refused = ""
        assert not (refused and must_fit)
        if refused:
            assert "nested" in refused
        else:
            assert b"[" * depth in data or format == "parquet"
