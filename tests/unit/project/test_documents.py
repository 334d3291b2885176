"""What `make docs` does not see: lessons, pictures, and the targets of make that documents and CI name."""

import re
from pathlib import Path

import pytest

from include.transfer.dataset import Dataset
from tests.project_files import PROJECT, repository_files

PAGES = [path for path in repository_files() if path.suffix == ".md"]
WORKFLOWS = [path for path in repository_files() if path.match(".github/workflows/*.yml")]
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", (PROJECT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", [p for p in PAGES if p.match("docs/learn/*.md")], ids=str)
def test_a_lessons_code_is_included_and_not_pasted(page: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (PROJECT / page).read_text(), re.DOTALL | re.MULTILINE)
    assert [block for block in blocks if not re.fullmatch(r'--8<-- "[^"]+"\n', block)] == []


def test_every_picture_is_shown_and_there() -> None:
    lessons = PROJECT / "docs/learn"
    texts = "".join((PROJECT / page).read_text() for page in PAGES)
    shown = set(re.findall(r"pictures/[\w-]+\.webp", texts))
    assert shown == {f"pictures/{file.name}" for file in (lessons / "pictures").iterdir()}


@pytest.mark.parametrize("file", [*PAGES, *WORKFLOWS], ids=str)
def test_targets_of_make(file: Path) -> None:
    text = (PROJECT / file).read_text()
    named = re.findall(r"(?:`|^|^\s*run: )make ([a-z][\w-]*)", text, re.MULTILINE)
    assert set(named) <= TARGETS


def test_totals_that_are_named_are_settings() -> None:
    text = (PROJECT / "docs/your-api.md").read_text()
    named = re.findall(r"`total` `([^`]+)`(?:,? or `([^`]+)`)?", text)
    totals = {total for pair in named for total in pair if total}
    assert {"last-link", "probe", "header:Content-Range"} <= totals
    for total in totals:
        Dataset(name="things", total=total, paging={"size": 10})
