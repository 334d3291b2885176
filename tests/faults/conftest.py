"""One real stack for all tests of this folder, with two slots for rounds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.arena import Arena


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Arena]":
    from tests.faults.arena import arena

    with arena(tmp_path_factory.mktemp("faults"), 2) as opened:
        yield opened
