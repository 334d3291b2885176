"""Each dataset's folder has one writer: the first that came."""

import pytest

from include.transfer.commit.owner import claim, owner_of
from include.transfer.errors import BadSettings
from include.transfer.store.bucket import Bucket

KEY = "fires/_owner.json"


def test_the_first_writer_is_noted_and_stays(bucket):
    assert owner_of(bucket, "fires") is None
    claim(bucket, "fires", "a_dag")
    claim(bucket, "fires", "a_dag")
    claim(bucket, "acres", "b_dag")
    assert (owner_of(bucket, "fires"), owner_of(bucket, "acres")) == ("a_dag", "b_dag")


def test_another_one_is_refused_until_the_note_is_gone(bucket):
    claim(bucket, "fires", "a_dag")
    with pytest.raises(BadSettings) as refused:
        claim(bucket, "fires", "b_dag")
    assert "a_dag" in refused.value.got
    assert "b_dag" in refused.value.got
    assert refused.value.where == bucket.uri(KEY)
    bucket.delete(KEY)
    claim(bucket, "fires", "b_dag")
    assert owner_of(bucket, "fires") == "b_dag"


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"owner": 7}'])
def test_a_note_that_cannot_be_read_lets_nobody_write(bucket, note):
    bucket.put_bytes(KEY, note, "application/json")
    with pytest.raises(BadSettings):
        claim(bucket, "fires", "a_dag")


def test_of_two_first_writers_at_once_one_is_refused(bucket, store):
    class Raced(Bucket):
        def put_bytes(self, key, *arguments):
            claim(bucket, "fires", "b_dag")
            return super().put_bytes(key, *arguments)

    with pytest.raises(BadSettings):
        claim(Raced(store.client(), bucket.name), "fires", "a_dag")
    assert owner_of(bucket, "fires") == "b_dag"
