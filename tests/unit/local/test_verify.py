"""What `make run` believes: only what the project's own audit reads back from the store."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from services.local.errors import StackError
from services.local.verify import manifests, verify

KEY = "wildfires/20261101T000000/_manifest.json"


def put(store, bucket, key, body):
    store.client().put_object(bucket, key, io.BytesIO(body), len(body))


@pytest.mark.parametrize("body", [b"{}", b"not json", b"[]"])
def test_what_is_no_manifest_is_named(store, bucket_name, body):
    put(store, bucket_name, KEY, body)
    with pytest.raises(StackError, match="is no manifest of this run"):
        verify(store.client(), KEY, bucket_name)


def test_a_store_that_refuses_is_named(store):
    with pytest.raises(StackError, match=r"could not be verified.*NoSuchBucket"):
        verify(store.client(), KEY, "nowhere-to-be-found")


def test_only_manifests_since_a_moment_are_listed(store, bucket_name):
    put(store, bucket_name, KEY, b"{}")
    put(store, bucket_name, "wildfires/20261101T000000/data_from_0.csv", b"x")
    now = datetime.now(UTC)
    assert manifests(store.client(), now - timedelta(hours=1), bucket_name) == [KEY]
    assert manifests(store.client(), now + timedelta(hours=1), bucket_name) == []
