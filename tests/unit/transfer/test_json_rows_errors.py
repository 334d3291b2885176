"""Bodies that are not rows, are cut short or want to harm: a named error, bounded memory, rows kept."""

import json
import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.transfer.errors import BodyBroken, NotRows, SourceUnavailable, TransferError
from include.transfer.source.json_rows import decode
from include.transfer.source.row_shapes import Arrays, ById

ROWS = [{"a": 1, "b": "x},{"}, {"a": 2, "b": {"c": ["]"]}}, {"a": 3, "b": None}]
MEGABYTE = 1 << 20


def pull(chunks, **how):
    """The rows that came, and the error that ended them."""
    seen = []
    try:
        for block in decode(iter(chunks), **how):
            seen += block.rows
    except TransferError as error:
        return seen, error
    return seen, None


def resets(chunks, error=None):
    yield from chunks
    raise error or BodyBroken("reset")


@pytest.mark.parametrize("key", ["", "r"])
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'[{"a": NaN}]', "not JSON"),
        (b'[{"a": -Infinity}]', "not JSON"),
        (b'[{"a": "\\ud800"}]', "surrogate"),
        (b'[{"a": 1}, {"a": 12345678901234567890, "b": "\\udfff"}]', "surrogate|low|high"),
        (b'[{"a": 01}]', "not JSON"),
        (b"[{'a': 1}]", "not JSON"),
        (b'[{"a": 1},]', "not JSON"),
        (b'[,{"a": 1}]', "not JSON"),
        (b'[{"a": 1} {"a": 2}]', "not JSON"),
        (b'[{"a": 1}, 2]', "a row (is a number|starts with b'2)"),
        (b"[1, 2]", "a row (is a number|starts with b'1)"),
        (b'["x"]', "a row (is a string|starts with)"),
        (b"[null]", "a row (is null|starts with)"),
        (b'[["a"]]', "a row is an array"),
        (b'[{"a": "b\nc"}]', "not JSON"),
        (b'[{"a": "\xff\xfe"}]', "not UTF-8: byte 0xff at position "),
        (b'[{"a": "ab\xc3\x28"}]', r"not UTF-8: byte 0xc3 at position \d+, behind '.*ab'"),
    ],
)
def test_what_is_not_rows(body, says, key):
    body = b'{"r": ' + body + b"}" if key else body
    for chunks in ([body], [body[i : i + 1] for i in range(len(body))]):
        _, error = pull(chunks, rows_key=key)
        assert isinstance(error, NotRows), error
        assert re.search(says, str(error)), error


@pytest.mark.parametrize(
    ("body", "how", "says"),
    [
        (b"<!doctype html><p>Sign in", {}, "HTML"),
        (b"\n <html>", {}, "HTML"),
        (b"<html>\n<p>Sign in\n", {"ndjson": True}, "HTML"),
        (b"<html>", {"rows_key": "r"}, "HTML"),
        (b"service down", {}, "starts with b'service down'"),
        (b'{"items": [{"a": 1}], "data": {"rows": [1]}}', {}, r"set rows_key.*items, data\.rows"),
        (b'{"detail": "no"}', {}, "no array is in it"),
        (b'{"items": [{"a": 1}]}', {"rows_key": "rows"}, "no array 'rows'.*items"),
        (b'{"items": null}', {"rows_key": "items"}, "no array 'items'"),
        (b'{"items": {"a": [], "b": 1}}', {"rows_key": "items"}, "lists: a"),
        (b'{"items": {"a": {"b": 1}}}', {"rows_key": "items"}, "by_id"),
        (b'{"items": {"a": {"b": 1}, "c": 2}}', {"rows_key": "items", "shape": ById()}, "among the rows"),
        (b'{"a": [1]}', {"shape": ById()}, "under its id"),
        (b'[["a"], {"a": 1}]', {"shape": Arrays()}, "a row is an object"),
        (b'[["a", "a"], [1, 2]]', {"shape": Arrays()}, "does not name the columns"),
        (b'[["a"], [1, 2]]', {"shape": Arrays()}, "1 columns are named"),
        (b'[{"a": 1}]', {"rows_key": "items"}, "leave rows_key empty"),
        (b'{"items" [', {"rows_key": "items"}, "not JSON"),
        (b'{"a": 01, "items": [', {"rows_key": "items"}, "not JSON.*01"),
        (b'{"a": NaN, "items": [', {"rows_key": "items"}, "not JSON.*NaN"),
        (b'{"a": 1 "items": [', {"rows_key": "items"}, "not JSON"),
        (b'{"a": 1,, "items": [', {"rows_key": "items"}, "not JSON"),
        (b'{"a": [1}, "items": [', {"rows_key": "items"}, "not JSON"),
        (b'{"a": {"b"}, "items": [', {"rows_key": "items"}, "not JSON"),
        (b'{1: 2, "items": [', {"rows_key": "items"}, "not JSON"),
        (b'{"a": "items", [', {"rows_key": "items"}, "not JSON"),
        (b'[{"a": 1}] x', {}, "not JSON: unexpected content"),
        (b'[{"a": 1}] {"a": 2}', {}, "not JSON"),
        (b'{"a": 1}\n{"a": \n{"a": 2}\n', {"ndjson": True}, "not JSON|one JSON value"),
        (b'{"a": 1\n"b": 2}\n', {"ndjson": True}, "not JSON|one JSON value"),
        (b'{"a": 1},{"a": 2}\n', {"ndjson": True}, "not JSON"),
        (b'{"a": 1}\n7\n', {"ndjson": True}, "a row is a number"),
        (b'{"a": 1}\n{"a": "\xff"}\n', {"ndjson": True}, "not UTF-8: byte 0xff at position 16,"),
        (b'{"a": 1}\n{"a": NaN}', {"ndjson": True}, "not JSON"),
    ],
)
def test_other_bodies(body, how, says):
    for chunks in ([body], [body[i : i + 1] for i in range(len(body))]):
        _, error = pull(chunks, **how)
        assert isinstance(error, NotRows), error
        assert re.search(says, str(error)), error


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (rb'"cut \ud83d"', r"\\ud83d is half of a character"),
        (rb'"cut \ud83d\u0041"', r"\\ud83d is half of a character"),
        (rb'"\uDC00"', r"\\uDC00 is half of a character"),
        (b"NaN", "NaN is no number"),
        (b"[1, -Infinity]", "-Infinity is no number"),
        (b"Infinity", "Infinity is no number"),
    ],
)
@pytest.mark.parametrize("how", [{}, {"rows_key": "r"}, {"ndjson": True}], ids=["array", "key", "lines"])
def test_what_is_no_value_is_named_with_row_and_column(value, says, how):
    good = '{"n": 1e400, "t": {"x": "é"}}'.encode()
    row = b'{"t": {"x": "}"}, "odd": ' + value + b"}"
    before, between, after = {"rows_key": (b'{"r": [', b",", b"]}"), "ndjson": (b"", b"\n", b"")}.get(
        next(iter(how), ""), (b"[", b",", b"]")
    )
    for count in (0, 2, 20_000):
        seen, error = pull([before + between.join([*[good] * count, row, good]) + after], **how)
        assert isinstance(error, NotRows)
        assert re.search(says, error.got)
        assert error.where == f"row {count:,} of the answer, column odd"
        assert error.fix
        assert len(seen) <= count


def test_position_of_a_wrong_byte_counts_the_whole_body():
    body = b"[" + b'{"a": "good"},' * 50_000 + b'{"a": "\xff"}]'
    _, error = pull([body])
    assert f"byte 0xff at position {body.index(0xFF):,}," in str(error)


@pytest.mark.parametrize("how", [{}, {"rows_key": "r"}])
def test_an_empty_body_is_a_broken_one(how):
    assert isinstance(pull([], **how)[1], BodyBroken)
    assert isinstance(pull([b"", b" \n"], **how)[1], BodyBroken)


@pytest.mark.parametrize("how", [{}, {"rows_key": "r"}, {"ndjson": True}])
@pytest.mark.parametrize("ending", ["ends", "resets", "times out"])
@pytest.mark.parametrize("block", [16, 1 << 18])
def test_every_whole_row_before_the_end_is_kept(how, ending, block, monkeypatch):
    monkeypatch.setattr("include.transfer.source.body_buffer.BLOCK_BYTES", block)
    texts = [json.dumps(row) for row in ROWS]
    before, between, after = {"ndjson": ("", "\n", "\n"), "rows_key": ('{"r": [', ", ", "]}")}.get(
        next(iter(how), ""), ("[", ", ", "]")
    )
    body = (before + between.join(texts) + after).encode()
    ends = [len((before + between.join(texts[: n + 1])).encode()) for n in range(len(texts))]
    for place in range(len(body)):
        chunks = [body[:place]]
        if ending != "ends":
            chunks = resets(chunks, SourceUnavailable("timed out") if ending == "times out" else None)
        seen, error = pull(chunks, **how)
        assert seen == ROWS[: sum(end <= place for end in ends)], place
        whole = "rows_key" in how and place > ends[-1]
        if how == {"ndjson": True}:
            whole = ending == "ends" and (place == 0 or place in ends or place - 1 in ends)
        if whole:
            assert error is None or ending != "ends", place
        else:
            assert isinstance(error, SourceUnavailable if ending == "times out" else BodyBroken), place


@settings(deadline=None, max_examples=300)
@given(
    st.binary(max_size=60) | st.text('[]{}",:\\ae1\n ', max_size=60).map(str.encode),
    st.sampled_from(["", "a"]),
)
def test_any_bytes_give_rows_or_a_named_error(body, key):
    for how in ({"rows_key": key}, {"ndjson": True}):
        seen, error = pull([body], **how)
        if error is None and not how.get("rows_key") and "ndjson" not in how:
            assert json.loads(body.removeprefix(b"\xef\xbb\xbf")) == seen


def endless(piece, start=b"[", size=60 * MEGABYTE):
    yield start
    for _ in range(size // len(piece)):
        yield piece


HOSTILE = {
    "a string without an end": (b'[{"a":"', b"x" * 65536),
    "a string of escapes": (b'[{"a":"', b'\\"' * 32768),
    "a string of cuts": (b'[{"a":"', b"},{" * 21845),
    "opening brackets": (b"[", b"[" * 65536),
    "opening braces": (b"[", b'{"a":' * 13107),
    "scalars": (b"[", b"1," * 32768),
    "digits": (b'[{"a":', b"1" * 65536),
    "white space": (b'[{"a":1}', b" " * 65536),
    "empty objects in a row": (b'[{"a":[', b"{}," * 21845),
    "closing braces": (b"[{", b"}" * 65536),
    "quotes": (b"[", b'"' * 65536),
    "blank lines": (b"", b"\n" * 65536),
    "blanks behind a row": (b'[{"a":1},', b" " * 65536),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("how", [{}, {"rows_key": "r"}, {"ndjson": True}], ids=["array", "key", "lines"])
def test_hostile_bodies_are_refused_in_bounded_memory(name, how, monkeypatch):
    for module in ("source.body_buffer", "source.json_prologue"):
        monkeypatch.setattr(f"include.transfer.{module}.LARGEST_ROW_BYTES", MEGABYTE // 2)
    start, piece = HOSTILE[name]
    start = {"rows_key": b'{"r":' + start, "ndjson": start[1:]}.get(next(iter(how), ""), start)
    tracemalloc.start()
    try:
        _, error = pull(endless(piece, start, 8 * MEGABYTE), **how)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(error, NotRows), error
    assert peak < 25 * MEGABYTE  # the decoder reserves sixteen times what it is given, and hardly uses it


def test_a_row_of_60_megabytes_is_too_long():
    _, error = pull(endless(b"x" * 65536, b'[{"a":"'))
    assert isinstance(error, NotRows)
    assert "16 MB" in str(error)


@pytest.mark.parametrize(
    "text", [b'{"a":' * 1500 + b"1" + b"}" * 1500, b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"]
)
def test_a_row_that_is_nested_too_deep(text):
    for body, how in [(b"[" + text + b"]", {}), (text + b"\n", {"ndjson": True}), (text, {"ndjson": True})]:
        _, error = pull([body], **how)
        assert isinstance(error, NotRows), error
        assert re.search("nested|depth", str(error), re.IGNORECASE), error


IN_FRONT = {
    "digits": (b'{"n": ', b"1" * 65536),
    "opening brackets": (b'{"n": ', b"[" * 65536),
    "opening braces": (b'{"n": ', b'{"a":' * 13107),
    "a string without an end": (b'{"n": "', b"x" * 65536),
    "a key without an end": (b'{"', b"x" * 65536),
    "white space": (b'{"n": ', b" " * 65536),
    "white space at the start": (b"", b" " * 65536),
    "members": (b"{", b'"x":[1],' * 8192),
    "deep members": (b'{"a":{"b":' + b"[" * 900, b'{"x":[1]},' * 6553),
}


@pytest.mark.parametrize("name", IN_FRONT)
def test_what_stands_in_front_of_the_rows_is_bounded(name, monkeypatch):
    for module in ("source.body_buffer", "source.json_prologue"):
        monkeypatch.setattr(f"include.transfer.{module}.LARGEST_ROW_BYTES", MEGABYTE // 8)
    start, piece = IN_FRONT[name]
    tracemalloc.start()
    try:
        _, error = pull(endless(piece, start, 4 * MEGABYTE), rows_key="items")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(error, NotRows), error
    assert peak < 5 * MEGABYTE
