"""Rows that came as they would be written are passed on: no other bytes come of it."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.transfer.formats import encode
from include.transfer.schema.columns import Columns
from include.transfer.source.blocks import Block
from include.transfer.source.json_rows import decode
from include.transfer.source.row_shapes import Arrays, ById

MARKS = st.sampled_from(["}", "{", '"}', "\\"])
TEXTS = MARKS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = SCALARS | st.dictionaries(TEXTS, SCALARS, max_size=2) | st.lists(SCALARS, max_size=2)
ROWS = st.lists(st.fixed_dictionaries({"a": VALUES}, optional={"b": VALUES, "}": VALUES}), min_size=1)


def ndjson(blocks):
    return b"".join(encode(blocks, Columns({}, rescues=True), "ndjson", "none"))


@settings(deadline=None)
@given(ROWS, st.integers(1, 40))
def test_it_makes_no_difference_how_rows_came_and_in_which_blocks(rows, piece):
    compact = orjson.dumps(rows)
    (block,) = decode([compact])
    assert block.texts
    expected = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    assert ndjson(iter([block])) == expected
    assert ndjson(decode([compact[at : at + piece] for at in range(0, len(compact), piece)])) == expected
    assert ndjson(iter([block.part(0, 1), Block(rows[1:2]), block.part(2, len(rows))])) == expected
    (spaced,) = decode([json.dumps(rows, ensure_ascii=False).encode()])
    assert not spaced.texts
    assert ndjson(iter([spaced])) == expected


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (ById(), b'{"7":{"n":1},"8":{"n":2}}'),
        (Arrays(), b'[["id","n"],["7",1],["8",2]]'),
        (Arrays(names=["id", "n"]), b'[["7",1],["8",2]]'),
    ],
)
def test_rows_that_are_made_into_others_are_written(shape, body):
    assert ndjson(decode([body], shape=shape)) == b'{"id":"7","n":1}\n{"id":"8","n":2}\n'
