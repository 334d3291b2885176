"""Whatever the style of a server: every row once and every value as it was, or an error and no commit."""

import json
import uuid
from decimal import Decimal

import pytest

from include.transfer.commit.audit import audit
from include.transfer.dataset import Dataset
from include.transfer.errors import Fatal, Unverified
from include.transfer.run import run
from include.transfer.source.api import Api
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from tests.conformance.every_style import HONEST, LYING
from tests.conformance.styles import Served
from tests.unit.transfer.conftest import IMPATIENT

RUN = "20260101T000000-aaaa"


@pytest.fixture(scope="module")
def bucket(store):
    """One for all styles: each has a dataset of its own."""
    name = f"conformance-{uuid.uuid4().hex[:8]}"
    store.client().make_bucket(name)
    yield Bucket(store.client(), name)
    store.client().remove_bucket(name)


@pytest.fixture
def served(request):
    with Served(request.param()) as source:
        yield source


def api_of(served, **settings):
    session = served.style.session(served.url)
    shape = {"format": "ndjson", "paging": {"size": 25}, "batch_size": 100} | served.style.settings | settings
    return Api(session, served.url, Dataset(name=type(served.style).__name__.lower(), **shape), IMPATIENT)


def stored(bucket, prefix):
    receipts = bucket.get_json(prefix.manifest)["receipts"]
    return [
        decoded(line) for receipt in receipts for line in b"".join(bucket.get(receipt["key"])).splitlines()
    ]


def decoded(text):
    """A row with numbers of any size."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(
    "served",
    HONEST,
    indirect=True,
    ids=lambda style: style.__name__,
)
def test_every_row_is_copied_once(served, bucket):
    api = api_of(served)
    prefix = Prefix(api.dataset.name, RUN)
    run(api, bucket, RUN)
    style = served.style
    assert stored(bucket, prefix) == [decoded(style.text(row)) for row in style.rows]
    assert audit(bucket, prefix).findings == []


@pytest.mark.parametrize(
    "served",
    LYING,
    indirect=True,
    ids=lambda style: style.__name__,
)
def test_wrong_rows_are_not_committed(served, bucket):
    api = api_of(served)
    with pytest.raises((Fatal, Unverified)) as raised:
        run(api, bucket, RUN)
    faults = getattr(raised.value, "findings", [raised.value])
    assert all(fault.fix for fault in faults)
    assert bucket.head(Prefix(api.dataset.name, RUN).manifest) is None
