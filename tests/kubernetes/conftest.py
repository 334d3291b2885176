"""One cluster for all tests that need one, and machines with stand-ins for those that do not."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes.machine import Machine, new_machine

if TYPE_CHECKING:
    from tests.kubernetes.cluster import Cluster


@pytest.fixture(scope="package")
def both(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Cluster]":
    """A real scheduler with LocalExecutor and KubernetesExecutor."""
    from tests.kubernetes.cluster import cluster

    with cluster(tmp_path_factory.mktemp("both")) as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return new_machine(tmp_path / "machine")


@pytest.fixture(scope="package")
def first_up(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    made = new_machine(tmp_path_factory.mktemp("up") / "machine")
    done = made.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture
def up(first_up: Machine, tmp_path: Path) -> Machine:
    """A machine on which `up` has ended well: a copy of the first."""
    shutil.copytree(first_up.folder, tmp_path / "machine")
    return Machine(tmp_path / "machine", first_up.ports)
