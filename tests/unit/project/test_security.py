"""SECURITY.md: whatever backs a promise is there."""

import re

import pytest

from tests.project_files import PROJECT, needs_the_repository

pytestmark = needs_the_repository


def section(title: str) -> str:
    text = (PROJECT / "SECURITY.md").read_text()
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]


def promises() -> list[tuple[str, list[str]]]:
    """(promise, the files that back it)."""
    rows = re.findall(r"^\| (?!Promise)(.+?) \| (.+?) \|$", section("What is promised"), re.MULTILINE)
    return [(promise, re.findall(r"\]\(([^)]+)\)", backing)) for promise, backing in rows]


def test_there_are_promises():
    assert len(promises()) >= 5


@pytest.mark.parametrize(("promise", "files"), promises() if (PROJECT / "SECURITY.md").exists() else [])
def test_every_promise_is_backed_by_a_file_that_exists(promise, files):
    assert files
    assert [file for file in files if not (PROJECT / file).is_file()] == []


def test_a_report_goes_through_the_repository():
    assert "private advisory" in section("How to report")
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", section("How to report"))
