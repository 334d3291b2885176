"""What tests share: a real S3 store, a bucket of one's own, and sources that misbehave on request."""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests import airflow_home
from tests.servers.scripted_http import ScriptedSource

if TYPE_CHECKING:
    from tests.servers.seaweedfs import Store


airflow_home.isolate()  # before any test module imports Airflow


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Store]":
    """One SeaweedFS for the whole run. Skips where its program is missing, as inside the Astro image."""
    try:
        from services.local.seaweedfs import weed_program
        from tests.servers.seaweedfs import Store

        weed_program()
    except ImportError as error:
        pytest.skip(f"needs services/, which the Astro image does not carry: {error}")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    with Store(tmp_path_factory.mktemp("store")) as running:
        yield running


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
