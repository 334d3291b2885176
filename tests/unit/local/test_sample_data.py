"""Rows that took minutes to make are not replaced without a yes."""

import json
import sys

import pytest

from services.local.errors import StackError
from services.local.home import Home
from services.local.sample_data import ask_to_replace


@pytest.fixture
def home(tmp_path):
    def holding(rows, note):
        home = Home(tmp_path)
        home.data.mkdir()
        (home.data / "meta.json").write_text(json.dumps({"count": rows}))
        (home.root / "data.json").write_text(json.dumps(note))
        return home

    return holding


def test_where_nobody_can_be_asked_the_flag_is_needed(home, monkeypatch):
    there = home(1_880_465, {"file": "/x.sqlite"})
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(StackError, match=r"1,880,465 rows of /x.sqlite.*REPLACE=1"):
        ask_to_replace(there, 20_000)
    ask_to_replace(there, 20_000, replace=True)


@pytest.mark.parametrize(("answer", "kept"), [("y", False), ("", True), ("no", True)])
def test_a_person_is_asked(home, monkeypatch, answer, kept):
    there = home(1_880_465, {"generated": 1_880_465})
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    if kept:
        with pytest.raises(StackError, match="Nothing was replaced"):
            ask_to_replace(there, 20_000)
    else:
        ask_to_replace(there, 20_000)


@pytest.mark.parametrize(
    ("there", "note", "wanted"),
    [
        (20_000, {"generated": 20_000}, 500),
        (1_880_465, {"generated": 1_880_465}, 1_880_465),
        (1_880_465, {"file": "/x"}, None),
    ],
)
def test_what_is_quick_or_stays_needs_no_yes(home, monkeypatch, there, note, wanted):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    ask_to_replace(home(there, note), wanted)
