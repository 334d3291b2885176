"""Each DAG, field of a form, connection, pool and target of make has its place in the documents."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.project_files import PROJECT, needs_the_repository

pytestmark = needs_the_repository

DOCS = PROJECT / "docs"


def text_of(*files: Path) -> str:
    return "\n".join(file.read_text() for file in files)


def first_cells(page: Path, pattern: str) -> Counter[str]:
    """What the pattern finds in the first cells of a page's tables, and how often."""
    cells = re.findall(r"^\| ([^|]+) \|", page.read_text(), re.MULTILINE)
    return Counter(name for cell in cells for name in re.findall(pattern, cell))


def once(names: "set[str]") -> Counter[str]:
    return Counter(dict.fromkeys(names, 1))


def test_every_dag_has_one_row_of_the_readme(dags):
    assert first_cells(PROJECT / "README.md", r"\(dags/(\w+)\.py\)") == once(set(dags))


def test_every_connection_has_one_row(dags):
    settings = yaml.safe_load((PROJECT / "airflow_settings.yaml").read_text())["airflow"]["connections"]
    known = {each["conn_id"] for each in settings}
    assert first_cells(DOCS / "learn/connections.md", r"^`(\w+)`$") == once(known)


def test_every_pool_has_one_row():
    pools = set(json.loads((PROJECT / "pools.json").read_text()))
    assert first_cells(DOCS / "limits.md", r"`(copies_\w+)`") == once(pools)


def test_every_field_of_a_form_is_named(dags):
    pages = text_of(PROJECT / "README.md", *DOCS.rglob("*.md"))
    fields = {name for dag in dags.values() for name in dag.params}
    assert {name for name in fields if not re.search(rf'[`"]{name}[`" ]', pages)} == set()


def test_every_target_of_make_is_named():
    targets = re.findall(r"^([a-z][a-z0-9-]*):(?!=)", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    pages = text_of(PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *DOCS.rglob("*.md"))
    assert set(targets) <= set(re.findall(r"make ([a-z][\w-]*)", pages))


COMMANDS = sorted(
    {
        command
        for page in DOCS.rglob("*.md")
        for command in re.findall(r"make airflow ARGS='([^']+)'", page.read_text())
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_airflow_has_the_command_of_a_document(command: str) -> None:
    from airflow.cli.cli_parser import get_parser

    assert get_parser().parse_args(command.split()).func
