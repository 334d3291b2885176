"""A store whose disk is full: the copy fails with a reason, nothing of it shows, and room heals it."""

import random
import resource
import sys
from collections.abc import Iterator

import pytest

if sys.platform != "linux":
    pytest.skip("the limit of another process's files is Linux's own", allow_module_level=True)

from include.transfer.dataset import Dataset
from include.transfer.diagnose import check_store
from include.transfer.errors import StoreUnavailable
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from tests.servers.seaweedfs import Store
from tests.unit.transfer.conftest import Run


@pytest.fixture
def small_store(tmp_path) -> Iterator[Store]:
    with Store(tmp_path / "store") as store:
        yield store


def limit(store: Store, size: int) -> None:
    """No file of the store may grow further: to its writes that is a disk without room (EFBIG for ENOSPC)."""
    hard = resource.prlimit(store.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(store.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_store_whose_disk_is_full(small_store, source):
    client = small_store.client()
    client.make_bucket("full")
    bucket = Bucket(client, "full")
    # SeaweedFS compresses what it stores: text that repeats would fit.
    served = source(lambda n: {"id": n, "text": random.Random(n).randbytes(500).hex()}, count=20_000)
    run = Run(served, bucket, Dataset(name="things", batch_size=20_000), Prefix("things", "run"))
    limit(small_store, 1 << 20)

    with pytest.raises(
        StoreUnavailable, match=r"PUT s3://full/things/run/data_from_0\.[a-z]+\.csv.*status 500"
    ):
        run.copy()
    assert run.stored_keys() == []
    (wrong,) = [found for found in check_store(bucket, "locals3", small_store.endpoint) if found.fix]
    assert "its disk may be full" in wrong.fix

    limit(small_store, resource.RLIM_INFINITY)
    assert run.copy().rows == 20_000
    beside = [f"things/run/_receipts/data_from_0.{kind}" for kind in ("json", "rows")]
    assert sorted(run.names()) == [*beside, "things/run/data_from_0.csv"]
