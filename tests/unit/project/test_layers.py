"""Lint holds the layers; and no module grows long, no file names one machine."""

import json
import re
import subprocess
import sys

import pytest

from tests.project_files import PROJECT, repository_files

LINES, TEST_LINES = 250, 400


def test_no_module_is_long() -> None:
    lengths = {p: (PROJECT / p).read_text().count("\n") for p in repository_files() if p.suffix == ".py"}
    limits = {p: TEST_LINES if p.parts[0] == "tests" else LINES for p in lengths}
    assert {path: lines for path, lines in lengths.items() if lines > limits[path]} == {}


# In parts, so that this file may be looked through as well.
REGISTRY_OR_MACHINE = re.compile(
    "py" + r"pi\.org|python" + r"hosted\.org|registry\.npm" + r"js|proxy\.golang" + r"\.org|arti" + "factory"
    "|" + r"(?<![\w.~-])/wo" + "rk/|/tmp/" + "lab",
    re.IGNORECASE,
)


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    texts = {path: (PROJECT / path).read_bytes() for path in repository_files()}
    found = {path: REGISTRY_OR_MACHINE.findall(text.decode(errors="replace")) for path, text in texts.items()}
    assert {path: words for path, words in found.items() if words and b"\0" not in texts[path]} == {}


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [
        ("include/transfer/x.py", "from airflow.sdk import task\n\ntask()\n", "TID251"),
        ("dags/x.py", "import pandas\n\npandas.x()\n", "TID253"),
        ("dags/x.py", "from airflow.providers.http.hooks.http import HttpHook\n\nHttpHook()\n", "TID253"),
        ("include/tasks/copying.py", "import minio\n\nminio.x()\n", "TID253"),
        ("include/transfer/x.py", "print(1)\n", "T201"),
        ("include/transfer/x.py", "assert 1 == 1\n", "S101"),
    ],
)
def test_lint_fires(name: str, source: str, code: str) -> None:
    """Paths in per-file-ignores that nothing matches any more would switch rules off, or on, unseen."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json"]
    run = subprocess.run(
        [*command, f"--stdin-filename={name}", "-"], input=source, cwd=PROJECT, capture_output=True, text=True
    )
    assert code in {finding["code"] for finding in json.loads(run.stdout)}
