"""What `make run` believes: only what the project's own audit reads back from the store."""

import io

import pytest

from services.local.errors import StackError
from services.local.read_back import read_back

KEY = "wildfires/20261101T000000/_manifest.json"


def put(store, bucket, key, body):
    store.client().put_object(bucket, key, io.BytesIO(body), len(body))


@pytest.mark.parametrize("body", [b"{}", b"not json", b"[]"])
def test_what_is_no_manifest_is_named(store, bucket_name, body):
    put(store, bucket_name, KEY, body)
    with pytest.raises(StackError, match="is no manifest of this run"):
        read_back(store.client(), f"s3://{bucket_name}/{KEY}")


def test_a_store_that_refuses_is_named(store):
    with pytest.raises(StackError, match=r"nowhere-to-be-found.*NoSuchBucket"):
        read_back(store.client(), f"s3://nowhere-to-be-found/{KEY}")
