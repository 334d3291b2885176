"""The documents lead somewhere: their links, their anchors, and the targets of make that they and CI name."""

import re
from pathlib import Path

import pytest

from include.transfer.dataset import Dataset
from tests.project_files import PROJECT, repository_files

PAGES = [path for path in repository_files() if path.suffix == ".md"]
WORKFLOWS = [path for path in repository_files() if path.match(".github/workflows/*.yml")]
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", (PROJECT / page).read_text()):
        path, _, anchor = link.partition("#")
        target = (PROJECT / page.parent / path) if path else PROJECT / page
        if not re.match(r"\w+:", link) and not (
            target.exists() and (not anchor or anchor in anchors(target))
        ):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_included_code(page: Path) -> None:
    """`make docs` includes it; here it shows without the builder."""
    for file, section in re.findall(
        r'^--8<-- "([^":]+):?(\w*)"$', (PROJECT / page).read_text(), re.MULTILINE
    ):
        lines = (PROJECT / file).read_text()
        assert not section or all(f"--8<-- [{end}:{section}]" in lines for end in ("start", "end"))


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
