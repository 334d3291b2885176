"""Two attempts at one run: one stalls at each of its requests to the store in turn, while the other goes on.

Whatever was committed meanwhile stays as it is, whole, and nothing else is left in the run's folder.
"""

import json
from collections import Counter
from itertools import count

import pytest

from include.transfer import run as steps
from include.transfer.commit.audit import audit
from include.transfer.commit.plan_document import contracted
from include.transfer.commit.receipt import keys_of
from include.transfer.commit.retention import retire
from include.transfer.errors import Overtaken, TransferError, Unverified
from include.transfer.policy import Policy
from include.transfer.store.bucket import Bucket
from include.transfer.store.swap import swap_json
from tests.servers.memory_bucket import MemoryBucket

ROWS = [{"id": n, "name": f"row {n}"} for n in range(20)]
BEFORE, AFTER = False, True


class Stalling:
    """Sends requests as a client does, and lets `happen` happen before its n-th, or after it."""

    def __init__(self, client, at, happen, *, after=False):
        self.calls = 0
        self._send, self._at, self._happen, self._after = client._url_open, at, happen, after
        client._url_open = self

    def __call__(self, *arguments, **named):
        self.calls += 1
        if self.calls != self._at:
            return self._send(*arguments, **named)
        if not self._after:
            self._happen()
        try:
            return self._send(*arguments, **named)
        finally:  # an answer such as 404 is an error to the client
            if self._after:
                self._happen()


class StallingBucket(MemoryBucket):
    """The same bucket as another attempt sees it; `happen` happens before its n-th request."""

    def __init__(self, shared, at, happen):
        super().__init__()
        self.held, self._at, self._happen = shared.held, at, happen

    def _call(self, verb):
        super()._call(verb)
        if self.calls.total() == self._at:
            self._happen()


@pytest.fixture
def bucket(request):
    """New for each test: a busy SeaweedFS may miss a key for a moment that was deleted and written again."""
    if getattr(request, "param", None) is MemoryBucket:
        return MemoryBucket()
    store, name = map(request.getfixturevalue, ("store", "bucket_name"))
    return Bucket(store.client(), name)


# That the store itself decides as this one does is proved by the tests of a first commit and of a swap.
in_memory = pytest.mark.parametrize("bucket", [MemoryBucket], indirect=True)


@pytest.fixture
def stall(request):
    """`stall(run, work, happen)` for each request of `work`: a fresh run, and how `work` ended.

    Work that asks the store alone need not be stalled AFTER a request: it is BEFORE the next one.
    """

    def play(fresh, work, happen, moments=(BEFORE, AFTER)):
        for number in count(1):
            for after in moments:
                run = fresh(f"20260101T000000-{number}{'b' if after else 'a'}")
                late = fresh(run.prefix.run, again=True)
                happened = []

                def happens(run=run, happened=happened):
                    happened.append(happen(run))

                if isinstance(run.bucket, MemoryBucket):
                    late.bucket = StallingBucket(run.bucket, number, happens)
                else:
                    client = request.getfixturevalue("store").client()
                    late.bucket = Bucket(client, run.bucket.name)
                    Stalling(client, number, happens, after=after)
                try:
                    work(late)
                    error = None
                except TransferError as raised:
                    error = raised
                if not happened:
                    return
                yield run, error

    return play


@pytest.fixture
def fresh(source, make_run):
    """Runs of one source; `again`: a run that is there already."""
    served = source(ROWS, version='"v1"')

    def make(name, *, again=False):
        if not again:
            served.version = '"v1"'
        return make_run(served, run=name, version_header="ETag")

    return make


def at_version(run, version):
    run.source.version = f'"{version}"'
    return run


def is_whole(run, version):
    """The run is committed, of this version, and alone in its folder."""
    assert [str(finding) for finding in audit(run.bucket, run.prefix).findings] == []
    found = audit(run.bucket, run.prefix).manifest
    assert {receipt.source_version for receipt in found.receipts} == {version}
    below = {key for key in run.stored_keys() if key.startswith(str(run.prefix))}
    planned = {run.prefix.plan} if run.bucket.head(run.prefix.plan) else set()
    assert below == keys_of(run.prefix, found.receipts) | {run.prefix.manifest} | planned


def test_a_late_copy_beside_a_run_that_is_committed_meanwhile(stall, fresh):
    ends = Counter()
    for run, error in stall(fresh, lambda late: late.copy(0, 10), lambda run: run.whole()):
        is_whole(run, "v1")
        ends[type(error)] += 1
    assert set(ends) <= {type(None), Overtaken}
    assert len(ends) == 2
    assert sum(ends.values()) > 15


def test_a_late_copy_beside_a_run_of_another_version(stall, fresh):
    for run, _ in stall(fresh, lambda late: late.copy(0, 10), lambda run: at_version(run, "v2").whole()):
        is_whole(run, "v2")


def test_a_late_copy_beside_an_attempt_that_only_copies(stall, fresh):
    """The other one is not committed yet: whoever is second takes what the first wrote."""
    for run, error in stall(fresh, lambda late: late.copy(0, 10), lambda run: run.copy(0, 10)):
        assert error is None
        assert len([key for key in run.stored_keys() if key.startswith(f"{run.prefix}data_")]) == 1
        run.whole()
        is_whole(run, "v1")


def settled(run):
    """The columns of the plan that an attempt puts into the store, from what the source has by then."""
    steps.settle(run.api, run.bucket, steps.count(run.api), run.plan(), run.prefix.run)
    return list(contracted(run.bucket, run.prefix, run.dataset))


def test_a_stalled_plan_beside_one_of_other_columns(stall, fresh):
    """The one that is put last began after the other was: it is no older plan."""

    def other(run):
        run.source.rows = [{**row, "late": 1} for row in ROWS]
        at_version(run, "v2")
        assert settled(run) == ["id", "name", "late"]

    def make(name, *, again=False):
        run = fresh(name, again=again)
        if not again:
            run.source.rows = ROWS
        return run

    ends = Counter()
    for run, error in stall(make, settled, other):
        assert list(contracted(run.bucket, run.prefix, run.dataset)) == ["id", "name", "late"]
        ends[type(error)] += 1
    assert set(ends) == {type(None), Overtaken}


def committed(run):
    """Committed once, and to be copied anew."""
    run.whole()
    return at_version(run, "v2")


def test_a_late_copy_that_repairs_what_is_committed_anew_meanwhile(stall, fresh):
    def make(name, *, again=False):
        run = fresh(name, again=again)
        return run if again else committed(run)

    for run, _ in stall(make, lambda late: late.copy(0, 10), lambda run: at_version(run, "v3").whole()):
        is_whole(run, "v3")


def verified_of(run):
    """Copied and verified, so that a commit is due."""
    run.copy_all()
    return run.verify()


def commit(run, verified):
    steps.commit(run.dataset, run.bucket, verified, run.prefix.run, Policy())


@pytest.mark.parametrize(
    ("before", "bucket"),
    [(False, Bucket), (True, MemoryBucket)],
    ids=["first commit", "committed before"],
    indirect=["bucket"],
)
def test_a_stalled_commit_beside_another_one(stall, fresh, before):
    due = {}

    def make(name, *, again=False):
        run = fresh(name, again=again)
        if not again:
            if before:
                committed(run)
            due["verified"] = verified_of(run)
        return run

    ends = Counter()

    def other(run):
        at_version(run, "v3").whole()

    for run, error in stall(make, lambda late: commit(late, due["verified"]), other, [BEFORE]):
        is_whole(run, "v3")
        ends[type(error)] += 1
    assert set(ends) == {type(None), Overtaken, Unverified}


@in_memory
def test_a_stalled_commit_beside_one_of_the_same_rows(stall, fresh):
    due = {}

    def make(name, *, again=False):
        run = fresh(name, again=again)
        if not again:
            due["verified"] = verified_of(run)
        return run

    for run, error in stall(
        make, lambda late: commit(late, due["verified"]), lambda run: run.commit(), [BEFORE]
    ):
        assert error is None
        is_whole(run, "v1")


@in_memory
def test_a_stalled_commit_of_a_run_that_is_committed_and_removed_meanwhile(stall, fresh, make_run):
    due = {}

    def make(name, *, again=False):
        run = fresh(name, again=again)
        if not again:
            due["verified"] = verified_of(run)
        return run

    def removed(run):
        run.commit()
        newest = make_run(run.source, run="20260102T000000-z", version_header="ETag")
        newest.whole()
        retire(newest.bucket, newest.prefix, 1)

    for run, _ in stall(make, lambda late: commit(late, due["verified"]), removed, [BEFORE]):
        if run.manifest() is not None:
            is_whole(run, "v1")


def test_a_stalled_sweep_spares_a_copy_that_began_after_its_commit(fresh, store):
    """It lists the other's object before a receipt names it."""
    run, late = fresh("20260101T000000-a"), fresh("20260101T000000-a", again=True)
    verified = verified_of(run)
    late.bucket = Bucket(store.client(), run.bucket.name)
    listed = late.bucket.objects
    anew = []

    def objects(prefix):
        if late.manifest() is not None and not anew:
            anew.append(at_version(run, "v2").copy(0, 10))
        return listed(prefix)

    late.bucket.objects = objects
    commit(late, verified)
    assert run.bucket.head(anew[0].key)
    run.whole()
    is_whole(run, "v2")


def test_a_receipt_of_an_earlier_generation_is_never_committed(fresh):
    """A copy that began before the commit, and wrote its receipt after it."""
    run = fresh("20260101T000000-a")
    stale = run.copy(0, 10)
    run.bucket.delete(run.prefix.receipt(run.batches()[0]))
    run.whole()
    run.bucket.put_stream(stale.key, iter([b"x"]))
    receipt = run.bucket.get_json(run.prefix.receipt(run.batches()[0]))
    stored = run.bucket.head(stale.key)
    changed = {"key": stale.key, "etag": stored.etag, "bytes": stored.bytes}
    run.bucket.put_json(run.prefix.receipt(run.batches()[0]), receipt | changed)
    with pytest.raises(Unverified, match="was begun before the run's last commit"):
        run.verify()
    assert not run.copy(0, 10).reused
    run.commit()
    is_whole(run, "v1")


def test_a_document_is_swapped_for_what_stood_there_alone(bucket):
    first = swap_json(bucket, "k", {"n": 1}, "")
    assert swap_json(bucket, "k", {"n": 2}, "") is None
    second = swap_json(bucket, "k", {"n": 2}, first.etag)
    assert swap_json(bucket, "k", {"n": 3}, first.etag) is None
    assert bucket.get_document("k") == ({"n": 2}, second.etag)
    bucket.delete("k", first.etag)
    assert bucket.get_json("k") == {"n": 2}
    bucket.delete("k", second.etag)
    assert swap_json(bucket, "k", {"n": 3}, second.etag) is None


def test_a_put_that_is_sent_again_since_its_answer_was_lost(bucket, store):
    client = store.client()
    sent = client._url_open

    def twice(method, *arguments, **named):
        if method == "PUT":
            sent(method, *arguments, **named)
        return sent(method, *arguments, **named)

    client._url_open = twice
    stored = swap_json(Bucket(client, bucket.name), "k", {"n": 1}, "")
    assert stored.etag == bucket.head("k").etag


class Ignoring(Bucket):
    """A store that does not know conditions."""

    def put_bytes(self, key, data, content_type, condition=None):
        return super().put_bytes(key, data, content_type)


@pytest.mark.parametrize("kind", [Bucket, Ignoring])
def test_a_store_that_does_not_decide_is_told_of_once_a_run(fresh, caplog, kind):
    run = fresh("20260101T000000-a")
    run.bucket = kind(run.bucket._client, run.bucket.name)
    run.whole()
    warned = [record for record in caplog.records if "If-None-Match" in record.getMessage()]
    assert len(warned) == (kind is Ignoring)
    is_whole(run, "v1")
    manifest = json.dumps(run.manifest())
    run.whole()
    assert json.dumps(run.manifest()) == manifest
