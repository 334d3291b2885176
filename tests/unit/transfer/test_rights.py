"""A commit needs no more of the store than put, get and list; delete only where something is there to go."""

import pytest

from include.transfer.errors import StoreRefused
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect
from tests.servers.s3_gate import S3Answer, S3Gate, refusal

ROWS = [{"id": n} for n in range(20)]


def port_of(store):
    return int(store.endpoint.rpartition(":")[2])


@pytest.fixture
def refusing(store, source, make_run):
    """A run whose store gives one answer to all requests that are of a kind."""
    with S3Gate(port_of(store)) as gate:

        def make(answer, refused):
            gate.answer = lambda request: answer if refused(request) else None
            run = make_run(source(ROWS))
            keys = (store.access_key, store.secret_key, None)
            run.bucket = Bucket(connect(gate.url, "us-east-1", keys, patient=False), run.bucket.name)
            return run

        yield make


def about_uploads(request):
    """Listing uploads, or beginning one that is only to see how they are listed."""
    return "uploads" in request.query


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403, "AccessDenied"),
        refusal(501, "NotImplemented"),
        refusal(400, "InvalidRequest"),
        refusal(503, "SlowDown"),
        S3Answer(501, b"not implemented", "text/plain"),
        S3Answer(501, b"", "text/plain"),
        S3Answer(200, b"<html>hello</html>", "text/html"),
    ],
)
def test_a_commit_where_uploads_cannot_be_listed(refusing, answer, caplog):
    run = refusing(answer, about_uploads)
    assert run.whole()["rows"] == 20
    assert run.manifest()["rows"] == 20
    (warned,) = [record for record in caplog.records if record.name == "include.transfer.commit.sweep"]
    assert run.bucket.uri(str(run.prefix)) in warned.getMessage()


def test_a_first_copy_deletes_nothing(refusing):
    run = refusing(refusal(403, "AccessDenied"), lambda request: request.method == "DELETE")
    assert run.whole()["rows"] == 20
    assert run.manifest()["rows"] == 20


def test_what_is_committed_is_copied_and_committed_anew_without_the_right_to_delete(refusing):
    """Only the sweep needs it, and it comes after the commit."""
    run = refusing(refusal(403, "AccessDenied"), lambda request: request.method == "DELETE")
    run.whole()
    damaged = run.key(0)
    run.bucket.put_stream(damaged, iter([b"damaged"]))
    assert run.copy(0, 10).key != damaged
    with pytest.raises(StoreRefused, match="AccessDenied"):
        run.commit()
    assert run.manifest()["receipts"][0]["key"] == run.key(0) != damaged


def test_a_store_that_refuses_conditions_is_written_to_without_them(refusing, caplog):
    def conditional(request):
        return bool({"if-none-match", "if-match"} & set(request.headers))

    run = refusing(refusal(501, "NotImplemented"), conditional)
    run.whole()
    run.source.rows = ROWS[:10]
    assert run.whole()["rows"] == 10
    assert len([key for key in run.stored_keys() if run.prefix.is_data(key)]) == 1
    warned = [record for record in caplog.records if "If-None-Match" in record.getMessage()]
    assert len(warned) == 2  # once a run
