"""The stack runs on a developer's machine; where its packages are missing, nothing is collected."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from services.local.home import Home

if find_spec("supervisor") is None or find_spec("services") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def home(tmp_path: "Path") -> "Home":
    from services.local.home import Home

    made = Home(tmp_path / "stack")
    made.prepare()
    return made
