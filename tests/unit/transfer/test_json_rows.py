"""Rows come out of bodies exactly as they went in, wherever the network cuts these."""

import itertools
import json
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.transfer.errors import NotRows
from include.transfer.schema.columns import json_text
from include.transfer.schema.numbers import ExactNumber, fraction, integer
from include.transfer.source.json_rows import decode
from include.transfer.source.row_hashes import hashed
from include.transfer.source.row_shapes import Arrays, ById

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["},{", '"', "\\", '\\"', "[]", "]}", "\0", "😀", "a\r\nb", "NA", '"},{"a":"', ""]
)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(10**18, 10**40)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=5), max_size=12)
LAYOUTS = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 2, "\t"]),
        "separators": st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]),
        "ensure_ascii": st.booleans(),
    }
)


def rows(chunks, **how):
    """As `json` decodes them: integers of any length as int."""
    return [plain(row) for block in decode(chunks, **how) for row in block.rows]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return list(map(plain, value))
    return int(value.text) if isinstance(value, ExactNumber) else value


def cut(body, places):
    borders = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(borders)]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@pytest.fixture(params=[16, 1 << 18], ids=["tiny blocks", "blocks"])
def block_bytes(request, monkeypatch):
    """Blocks of a few bytes put every document through every way of cutting it."""
    monkeypatch.setattr("include.transfer.source.body_buffer.BLOCK_BYTES", request.param)


@pytest.mark.usefixtures("block_bytes")
class TestAnyDocument:
    @settings(deadline=None)
    @given(ROWS, LAYOUTS, CUTS)
    def test_array(self, expected, layout, places):
        assert rows(cut(json.dumps(expected, **layout).encode(), places)) == expected

    @settings(deadline=None)
    @given(ROWS, LAYOUTS, CUTS, st.sampled_from([",", " ,\n", ", ", "\r\n,"]))
    def test_each_row_has_the_hash_of_its_own_text(self, expected, layout, places, between):
        texts = [json.dumps(row, **layout).encode() for row in expected]
        body = b"[ " + between.encode().join(texts) + b"\n]"
        found = b"".join(block.hashes for block in decode(cut(body, places)))
        assert found == hashed(text[:-1] for text in texts)

    @settings(deadline=None)
    @given(ROWS, LAYOUTS, CUTS, VALUES, VALUES)
    def test_under_a_key(self, expected, layout, places, before, after):
        document = {
            "meta": [before],
            "data": {"x": before, "rows": expected, "y": after},
            "more": {"z": [after]},
        }
        body = json.dumps(document, **layout).encode()
        assert rows(cut(body, places), rows_key="data.rows") == expected

    @settings(deadline=None)
    @given(ROWS, st.sampled_from(["\n", "\r\n", "\n\n", " \n \r\n"]), st.booleans(), CUTS, st.booleans())
    def test_lines(self, expected, end, ended, places, ascii_only):
        body = end.join(json.dumps(row, ensure_ascii=ascii_only) for row in expected) + (end if ended else "")
        assert rows(cut(body.encode(), places), ndjson=True) == expected

    def test_cut_at_every_byte(self):
        expected = [{"a": 'x},{"a":"y'}, {"a": "\\"}, {"a": "😀é", "b": [{"c": "]"}]}, {"a": 10**30}]
        for body, how in [
            (json.dumps(expected, ensure_ascii=False).encode(), {}),
            (b"\xef\xbb\xbf" + json.dumps(expected, indent=1).encode(), {}),
            (json.dumps({"n": 4, "items": expected, "z": []}).encode(), {"rows_key": "items"}),
            (("\ufeff" + "\r\n".join(map(json.dumps, expected))).encode(), {"ndjson": True}),
        ]:
            for place in range(len(body) + 1):
                assert rows([body[:place], body[place:]], **how) == expected
            assert rows([body[i : i + 1] for i in range(len(body))], **how) == expected


NUMBER_TEXTS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][-+]?[0-9]{1,4})?", fullmatch=True
) | st.sampled_from(
    [
        "-0", "-0.0", "0e999", "1e400", "-1E400", "1e-400", "5e-324", "1.5e-320", "1.10", "0.1e-07",
        "12345678901234567.89", "0.1234567890123456789", "0.30000000000000000001", "0.10000000000000001",
        "100000000000000000000.01", "9007199254740993.0", "1.7976931348623157e308", "1.7976931348623159e308",
        "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809",
        "7" * 400, "-" + "7" * 5_000, "1e99999999999999999999", "0." + "0" * 400 + "1",
    ]
)  # fmt: skip
BODIES = [
    ('[{{"a":{0},"b":[{0},{{"c":{0}}}],"d":"x"}}]', {}),
    ('[{{"a": {0}, "b": [{0} , {{"c" :\t{0}}}], "d": "\\u00e9: 1e-400"}}]', {}),
    ('{{"n":{0},"r":[{{"a":{0}\n,"b":[{0},{{"c":{0}}}],"d":"\\/"}}]}}', {"rows_key": "r"}),
    ('{{"a":{0},"b":[{0},{{"c":{0}}}],"d":null}}\n', {"ndjson": True}),
]


@pytest.mark.parametrize(("body", "how"), BODIES, ids=["compact", "spaced", "under a key", "lines"])
@settings(deadline=None)
@given(NUMBER_TEXTS)
def test_numbers_keep_their_digits(body, how, text):
    (row,) = (row for block in decode([body.format(text).encode()], **how) for row in block.rows)
    number = row["a"]
    assert row["b"] == [number, {"c": number}]
    assert not isinstance(number, ExactNumber) or number.text == text
    written = json_text(number)
    assert written.startswith("-") == text.startswith("-")
    if re.search(r"[eE][-+]?[0-9]{18}", text):
        assert written == text
    else:
        assert Decimal(written) == Decimal(text)


@pytest.mark.parametrize(
    "text", ["1e-05", "0.1", "1.10", "-0.0", "1E+2", "1.7976931348623157e308", "7", "-7"]
)
def test_ordinary_numbers_are_numbers(text):
    ((row,),) = (block.rows for block in decode([f'[{{"a":{text}}}]'.encode()]))
    assert repr(row["a"]) == repr(json.loads(text))


PARTS = r"\u0031 \u002c \u003A \u002D \u00e9 \u0065 \u005b \u007D \u001f \u003c \ud83d\ude00 \\u00e9 \\ \/ \""
PARTS_OF_TEXTS = st.sampled_from([*PARTS.split(" "), " ", *"é1,:{]-e."])
ESCAPED = st.lists(PARTS_OF_TEXTS, max_size=4).map(lambda parts: f'"{"".join(parts)}"')
SPELLED = st.from_regex(r"-?(0|[1-9]{1,2}|[1-9][0-9]{17,19})(\.[0-9]{1,3})?(e-?[0-9]{1,2})?", fullmatch=True)
FIELDS = st.lists(st.tuples(ESCAPED, SPELLED | ESCAPED | st.just("null")), min_size=1, max_size=3)


@settings(deadline=None)
@given(st.lists(FIELDS, min_size=1, max_size=3), st.sampled_from([":", ": ", " :\n"]))
def test_however_texts_and_numbers_are_spelled_a_slow_decoder_finds_the_same(fields, colon):
    def unique(pairs):
        if len(dict(pairs)) != len(pairs):
            raise NotRows("twice")
        return dict(pairs)

    body = "[" + ",".join("{" + ",".join(k + colon + v for k, v in row) + "}" for row in fields) + "]"
    try:
        expected = json.loads(body, parse_float=fraction, parse_int=integer, object_pairs_hook=unique)
    except NotRows:
        with pytest.raises(NotRows):
            list(decode([body.encode()]))
    else:
        assert repr([row for block in decode([body.encode()]) for row in block.rows]) == repr(expected)


REPEATED = json.loads(json.dumps('twice: "é'))
SIMPLE = (
    st.none() | st.integers(-5, 5) | st.sampled_from(["", "2020-01-01T10:00:00Z", ":", '":', "https://x/"])
)
PLAIN_ROWS = st.lists(
    st.dictionaries(TEXTS, SIMPLE | st.dictionaries(TEXTS, SIMPLE, max_size=2), max_size=4), max_size=5
)


@settings(deadline=None)
@given(PLAIN_ROWS, PLAIN_ROWS, SIMPLE, SIMPLE, st.integers(0, 2), LAYOUTS, st.booleans())
def test_a_key_that_comes_twice_is_named_with_its_row(before, after, one, two, depth, layout, ndjson):
    first, second = (json.dumps({REPEATED: value}, **layout)[1:-1] for value in (one, two))
    odd = "{" + '"in":{' * depth + first + "," + second + "}" * depth + "}"
    texts = (
        [json.dumps(row, **layout) for row in before] + [odd] + [json.dumps(row, **layout) for row in after]
    )
    if ndjson and layout["indent"] is None and "\n" not in layout["separators"][0]:
        body, how = "\n".join(texts), {"ndjson": True}
    else:
        body, how = "[" + ",".join(texts) + "]", {}
    with pytest.raises(NotRows) as raised:
        rows([body.encode()], **how)
    assert repr(REPEATED) in raised.value.got
    assert raised.value.where == f"row {len(before)} of the answer"
    assert raised.value.fix


def test_a_row_of_megabytes():
    expected = [{"a": "small"}, {"a": "},{" * (1 << 20)}, {"a": "last"}]
    for body, how in [
        (json.dumps(expected).encode(), {}),
        ("\n".join(map(json.dumps, expected)).encode(), {"ndjson": True}),
    ]:
        assert rows([body[i : i + 65536] for i in range(0, len(body), 65536)], **how) == expected


def test_rows_of_many_nested_objects():
    """The last cuts of each block lie within a row, far more of them than are worth trying."""
    expected = [{"id": n, "points": [{"x": i, "y": "},"} for i in range(5_000)]} for n in range(20)]
    body = json.dumps(expected).encode()
    blocks = list(decode([body[i : i + 65536] for i in range(0, len(body), 65536)]))
    assert [row for block in blocks for row in block.rows] == expected
    assert len(blocks) > 3


def test_blocks_are_small_and_in_order():
    body = json.dumps([{"n": n, "text": "x" * 100} for n in range(50_000)]).encode()
    first = 0
    for block in decode([body[i : i + 65536] for i in range(0, len(body), 65536)]):
        assert [row["n"] for row in block.rows] == list(range(first, first + len(block.rows)))
        assert len(block.rows) < 5_000
        first += len(block.rows)
    assert first == 50_000


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (b"[]", {}),
        (b" \r\n[ \t ] \n", {}),
        (b'{"items": [], "total": 0}', {"rows_key": "items"}),
        (b"", {"ndjson": True}),
        (b"\n \n", {"ndjson": True}),
    ],
)
def test_no_rows(body, how):
    assert rows([body], **how) == []


@pytest.mark.parametrize("how", [{}, {"rows_key": "r"}, {"ndjson": True}], ids=["array", "key", "lines"])
def test_megabytes_of_white_space_are_no_rows(how):
    space = [b" \n" * 32768] * 100
    before, after = {"rows_key": (b'{"r":', b"}"), "ndjson": (b"", b"")}.get(next(iter(how), ""), (b"", b""))
    row = b'{"a":1}' if "ndjson" in how else b'[{"a":1}]'
    assert rows([*space, before, *space, row, *space, after], **how) == [{"a": 1}]


LONG = "7" * 5_000


@pytest.mark.parametrize(
    "value",
    [
        LONG,
        f"-{LONG}.{LONG}",
        "1e999999999",
        "-0.0e-400",
        "[" * 990 + "]" * 990,
        '"\\ud800 \\u0000"',
        '{"r": [1]}',
    ],
)
def test_what_stands_in_front_of_the_rows_is_not_converted(value):
    body = f'{{"n": {value}, "r": [{{"a": 1}}], "m": {value}}}'.encode()
    assert rows([body], rows_key="r") == [{"a": 1}]
    assert rows([body[i : i + 7] for i in range(0, len(body), 7)], rows_key="r") == [{"a": 1}]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"r\\u006fws": [{"a": 1}]}', "rows"),
        (b'{"a.b": {"c": [{"a": 1}]}}', "a.b.c"),
        (b'{"a": {"b.c": [{"a": 1}]}}', "a.b.c"),
        (b'{"ab": [0], "a": {"bc": [0], "b": {"c": [{"a": 1}]}}}', "a.b.c"),
        (b'{"a": [0, {"b": 0}, {"b": [{"a": 1}]}]}', "a.item.b"),
        (b'{"a": "r", "b": {"r": [0]}, "r": [{"a": 1}]}', "r"),
    ],
)
def test_the_way_to_the_rows(body, key):
    assert rows([body], rows_key=key) == [{"a": 1}]


SHAPED = [
    (b'{"r": {"k": {"a": 1.10, "b": "}, {"}, "l\\"": {"a": [{}]}}, "z": {"y": 1}}', ById(id="n")),
    (b'{"r" : { }}', ById()),
    (b'{"r": [["a", "b"], [1.10, "], ["], [[{"c": []}], null]], "z": 1}', Arrays()),
    (b'{"r": [[1], [12345678901234567890123]]}', Arrays(names=("a",))),
    (b'{"r": {"a": "}", "b": {"c": [1]}}, "z": [2]}', None),
    (b'{"a": "}", "b": {"c": [1]}}\n{"a": 2}\n', None),
]


@pytest.mark.parametrize(("body", "shape"), SHAPED)
def test_rows_of_other_shapes_are_the_same_wherever_an_answer_is_cut(body, shape):
    how = {"rows_key": "r" if b'"r"' in body else ""} | ({"shape": shape} if shape else {})
    whole = rows([body], **how)
    for size in (1, 2, 7):
        assert rows([body[i : i + size] for i in range(0, len(body), size)], **how) == whole
    texts = [json.loads(line) for line in SHAPED_ROWS[body]]
    assert [json.loads(json_text(row)) for row in whole] == texts


SHAPED_ROWS = dict(
    zip(
        (body for body, _ in SHAPED),
        [
            ['{"n": "k", "a": 1.10, "b": "}, {"}', '{"n": "l\\"", "a": [{}]}'],
            [],
            ['{"a": 1.10, "b": "], ["}', '{"a": [{"c": []}], "b": null}'],
            ['{"a": 1}', '{"a": 12345678901234567890123}'],
            ['{"a": "}", "b": {"c": [1]}}'],
            ['{"a": "}", "b": {"c": [1]}}', '{"a": 2}'],
        ],
        strict=True,
    )
)
