"""Old runs go, manifest first; what is newer, in progress, foreign or another dataset's stays."""

from dataclasses import replace

import pytest

from include.transfer.commit.live import Live
from include.transfer.commit.log import newest, read_entry
from include.transfer.commit.retention import retire
from include.transfer.errors import Overtaken, StoreRefused, StoreUnavailable, Unverified
from include.transfer.store.bucket import Bucket
from tests.lake_keys import unmarked
from tests.waiting import until

ROWS = [{"id": n} for n in range(25)]
NAMES = [f"2026010{day}T000000-{day}" for day in range(1, 7)]


@pytest.fixture
def bucket(store, bucket_name):
    """New for each test: a busy SeaweedFS may miss a key for a moment that was deleted and written again."""
    return Bucket(store.client(), bucket_name)


@pytest.fixture
def make(source, make_run):
    served = source(ROWS)
    return lambda run, **settings: make_run(served, run=run, **settings)


@pytest.fixture
def runs(make):
    """Four committed runs, the oldest first."""
    made = [make(name) for name in NAMES[:4]]
    for run in made:
        run.whole()
    return made


def committed(run):
    return [name for name in NAMES if run.bucket.head(f"things/{name}/_manifest.json")]


def left(run, name):
    return [key for key in run.stored_keys() if name in key]


def test_the_newest_stay(runs):
    last = runs[-1]
    assert retire(last.bucket, last.prefix, 2) == NAMES[:2]
    assert committed(last) == NAMES[2:4]
    assert left(last, NAMES[0]) == left(last, NAMES[1]) == []
    assert retire(last.bucket, last.prefix, 2) == []


@pytest.mark.parametrize("keep", [0, 4, 9])
def test_nothing_goes_where_none_are_too_many(runs, keep):
    before = runs[-1].stored_keys()
    assert retire(runs[-1].bucket, runs[-1].prefix, keep) == []
    assert runs[-1].stored_keys() == before


def test_the_commit_does_it(runs, make):
    assert make(NAMES[4]).whole(keep_runs=1)["removed"] == NAMES[:4]
    assert committed(runs[0]) == [NAMES[4]]
    assert runs[0].bucket.get_json("things/_latest.json")["run"] == NAMES[4]


def test_the_manifest_goes_first_and_the_note_last(runs):
    done = []

    class Watched(type(runs[0].bucket)):
        def delete(self, key, etag=""):
            done.append(unmarked(key))
            super().delete(key, etag)

    last = runs[-1]
    retire(Watched(last.bucket._client, last.bucket.name), last.prefix, 3)
    folder = f"things/{NAMES[0]}"
    assert done.pop(0) == "things/_log/000000000001.json"
    assert done[0] == f"{folder}/_manifest.json"
    assert done[1:4] == [f"{folder}/data_from_{start}.csv" for start in (0, 10, 20)]
    beside = [f"{folder}/_receipts/data_from_{n}.{kind}" for n in (0, 10, 20) for kind in ("json", "rows")]
    assert sorted(done[4:10]) == beside
    assert done[10:] == [f"{folder}/_plan.json", f"things/_removing/{NAMES[0]}.json"]


class Breaking:
    """A bucket that fails at its n-th call of a change."""

    def __init__(self, bucket, fails_at, error=StoreUnavailable):
        self._bucket, self._left, self._error = bucket, fails_at, error

    def __getattr__(self, name):
        called = getattr(self._bucket, name)
        if name not in ("delete", "put_json", "head", "objects", "abort"):
            return called

        def counted(*arguments):
            self._left -= 1
            if self._left == 0:
                raise self._error("the store went away")
            return called(*arguments)

        return counted


def test_an_interrupted_removal_is_finished_by_the_next_run(runs):
    """Broken off at each call in turn: a reader has a whole run or none, and in the end nothing is left."""
    old, last = runs[0], runs[-1]
    for fails_at in range(1, 100):
        try:
            retire(Breaking(last.bucket, fails_at), last.prefix, 3)
        except StoreUnavailable:
            if NAMES[0] in committed(last):
                assert len(left(last, f"{NAMES[0]}/")) == 11
            retire(last.bucket, last.prefix, 3)
            until(lambda: left(last, NAMES[0]) == [])
            old.whole()
            # A listing may lag behind what was just written.
            until(lambda: f"things/{NAMES[0]}/" in [*last.bucket.folders("things/")])
        else:
            break
    assert fails_at > 15
    assert committed(last) == NAMES[1:4]


def test_a_removal_that_broke_off_is_finished_even_when_all_are_kept_now(runs):
    last = runs[-1]
    for fails_at in range(1, 30):
        with pytest.raises(StoreUnavailable):
            retire(Breaking(last.bucket, fails_at), last.prefix, 3)
        if NAMES[0] not in committed(last):
            break
    # A listing may still show the manifest, which is gone.
    assert len([key for key in left(last, f"{NAMES[0]}/") if key != runs[0].prefix.manifest]) == 10
    assert retire(last.bucket, last.prefix, 0) == [NAMES[0]]
    until(lambda: left(last, NAMES[0]) == [])


def test_a_note_of_a_run_that_is_to_stay_by_now(runs):
    """It broke off before anything was removed; meanwhile more runs are to be kept."""
    last = runs[-1]
    last.bucket.put_json(runs[0].prefix.tombstone, {"run": NAMES[0]})
    assert retire(last.bucket, last.prefix, 0) == []
    assert last.bucket.head(runs[0].prefix.tombstone) is None
    assert committed(last) == NAMES[:4]


def test_what_is_in_progress_or_failed_stays(runs, make):
    """No manifest: somebody may be copying."""
    begun = make("20251231T000000-a")
    begun.copy()
    last = runs[-1]
    retire(last.bucket, last.prefix, 1)
    assert len(left(last, "20251231T000000-a")) == 3


def test_what_is_newer_stays(runs):
    """An old run that is committed again does not count itself among the newest, and removes no newer one."""
    second = runs[1]
    assert retire(second.bucket, second.prefix, 1) == [NAMES[0]]
    assert committed(second) == NAMES[1:4]


def test_what_the_pointer_names_stays(runs):
    last = runs[-1]
    last.bucket.put_json("things/_latest.json", {"run": NAMES[0], "manifest": "x"})
    assert retire(last.bucket, last.prefix, 1) == NAMES[1:3]
    assert committed(last) == [NAMES[0], NAMES[3]]


def test_other_datasets_stay(runs, make):
    for name in ("thing", "things-b", "things_2", "a-things"):
        make(NAMES[0], name=name).whole()
    last = runs[-1]
    retire(last.bucket, last.prefix, 1)
    assert sorted(key for key in last.stored_keys() if key.endswith("_manifest.json")) == sorted(
        [f"{name}/{NAMES[0]}/_manifest.json" for name in ("thing", "things-b", "things_2", "a-things")]
        + [f"things/{NAMES[3]}/_manifest.json"]
    )


def test_what_is_not_of_a_copy_stays(runs):
    last = runs[-1]
    foreign = [
        f"things/{NAMES[0]}/notes.txt",
        f"things/{NAMES[0]}/deeper/data_from_0.csv",
        "things/_removing/notes.txt",
        "things/_removing/../x.json".replace("..", "__"),
        "things/zzz/_manifest.json",
        "things/README",
    ]
    for key in foreign:
        last.bucket.put_json(key, {"by": "somebody else"})
    assert retire(last.bucket, last.prefix, 1) == NAMES[:3]
    assert set(foreign) <= set(last.stored_keys())


def test_a_damaged_manifest_is_neither_counted_nor_removed(runs):
    last = runs[-1]
    last.bucket.put_stream(runs[2].prefix.manifest, iter([b'{"torn": ']))
    assert retire(last.bucket, last.prefix, 2) == [NAMES[0]]
    assert committed(last) == NAMES[1:4]


@pytest.mark.parametrize("vanished", ["_manifest.json", "data_from_10.", "_receipts/data_from_0.json"])
def test_objects_that_vanish_while_a_run_is_removed(runs, vanished):
    """Two retentions at once, or a person with a broom: what is gone is gone."""
    last = runs[-1]
    (gone,) = [key for key in left(last, NAMES[0]) if f"{NAMES[0]}/{vanished}" in key]

    class Raced(type(last.bucket)):
        def objects(self, prefix):
            found = list(super().objects(prefix))
            if NAMES[0] in prefix:
                super().delete(gone)
            return iter(found)

    assert retire(Raced(last.bucket._client, last.bucket.name), last.prefix, 3) == [NAMES[0]]
    assert left(last, NAMES[0]) == []


def test_a_run_that_is_copied_anew_at_this_moment_stays(runs):
    """A copy of it began before retention noted it."""
    last = runs[-1]
    last.bucket.delete(runs[0].key(10))
    repaired = runs[0].copy(10, 10)
    assert retire(last.bucket, last.prefix, 3) == []
    assert last.bucket.head(runs[0].prefix.tombstone) is None
    runs[0].commit()
    assert repaired.key in runs[0].stored_keys()
    assert retire(last.bucket, last.prefix, 3) == [NAMES[0]]
    assert left(last, f"{NAMES[0]}/") == []


def test_nobody_writes_into_a_run_that_is_being_removed(runs):
    old = runs[0]
    planned = old.plan()
    old.bucket.put_json(old.prefix.tombstone, {"run": NAMES[0]})
    before = old.manifest()
    old.bucket.delete(old.key(10))
    with pytest.raises(Overtaken, match=r"rows 10–19: .*is being removed \(keep_runs\)"):
        old.copy(10, 10)
    old.bucket.delete(old.prefix.tombstone)
    old.copy(10, 10)
    verified = old.verify(planned)
    old.bucket.put_json(old.prefix.tombstone, {"run": NAMES[0]})
    with pytest.raises(Overtaken):
        commit_of(old, verified)
    assert old.manifest() == before


def test_a_run_that_was_removed_between_verify_and_commit_is_not_committed(runs):
    """Verified, then its receipts stay and its objects go: no manifest may appear."""
    old, last = runs[0], runs[-1]
    planned = old.plan()
    verified = old.verify(planned)
    receipts = {key: old.bucket.get_json(key) for key in left(old, f"{NAMES[0]}/_receipts")}
    retire(last.bucket, last.prefix, 3)
    with pytest.raises(Unverified, match="receipts changed"):
        commit_of(old, verified)
    for key, receipt in receipts.items():
        old.bucket.put_json(key, receipt)
    with pytest.raises(Unverified, match=r"3 finding\(s\).*\n.*rows 0–9: .*data_from_0.[a-z]+.csv is gone"):
        commit_of(old, verified)
    assert old.manifest() is None


def commit_of(run, verified):
    from include.transfer import run as steps
    from include.transfer.policy import Policy

    return steps.commit(run.dataset, run.bucket, verified, run.prefix.run, Policy())


@pytest.mark.parametrize("error", [StoreUnavailable, StoreRefused])
def test_a_commit_is_told_of_though_old_runs_could_not_be_removed(make, runs, monkeypatch, caplog, error):
    def refused(*arguments):
        raise error("DELETE: the store answered AccessDenied")

    monkeypatch.setattr("include.transfer.run.retire", refused)
    committed_now = make(NAMES[4]).whole(keep_runs=1)
    assert (committed_now["run"], committed_now["removed"]) == (NAMES[4], [])
    assert "old runs could not all be removed: DELETE" in caplog.text


def test_two_runs_at_once_each_keep_the_other(make, runs):
    """The older of the two commits last: the newer one is none of its business, and it stays itself."""
    older, newer = make(NAMES[4]), make(NAMES[5])
    plans = older.plan(), newer.plan()
    older.copy_all()
    newer.copy_all()
    newer.commit(plans[1], keep_runs=1)
    assert committed(newer) == [NAMES[5]]
    older.commit(plans[0], keep_runs=1)
    assert committed(older) == [NAMES[4], NAMES[5]]
    assert older.bucket.get_json("things/_latest.json")["run"] == NAMES[5]


def numbers(run):
    return [int(stored.key[-17:-5]) for stored in run.bucket.objects("things/_log/")]


def test_entries_of_the_log_go_with_their_runs(runs, make):
    last = runs[-1]
    retire(last.bucket, last.prefix, 2)
    assert numbers(last) == [3, 4]
    assert newest(last.bucket, last.prefix).number == 4
    last = make(NAMES[4])
    assert last.whole(keep_runs=1)["removed"] == NAMES[2:4]
    assert numbers(last) == [5]


def test_a_run_that_a_kept_entry_names_stays(runs):
    """Of a dataset by windows: it is old, and still holds some."""
    last = runs[-1]
    entry = read_entry(last.bucket, last.prefix, 4)
    lines = [Live("1", "2", NAMES[0], 1), Live("2", "3", NAMES[3], 4)]
    last.bucket.put_json(last.prefix.entry(4), replace(entry, windows=lines).to_dict())
    assert retire(last.bucket, last.prefix, 1) == NAMES[1:3]
    assert committed(last) == [NAMES[0], NAMES[3]]


@pytest.mark.parametrize(("base", "removed"), [(3, NAMES[1:3]), (2, NAMES[:3])])
def test_a_run_of_windows_that_is_yet_to_be_entered_stays(runs, base, removed):
    """Its commit died, or is between manifest and entry; but not where the log may have had it since."""
    last = runs[-1]
    windows = {"windows": [{"since": "1", "until": "2"}], "base": base}
    last.bucket.put_json(runs[0].prefix.manifest, {**runs[0].manifest(), **windows})
    assert retire(last.bucket, last.prefix, 1) == removed


def test_the_log_is_bounded_where_all_runs_are_kept(runs, monkeypatch):
    monkeypatch.setattr("include.transfer.commit.retention.MOST_ENTRIES", 3)
    last = runs[-1]
    assert retire(last.bucket, last.prefix, 0) == []
    assert numbers(last) == [2, 3, 4]
    assert committed(last) == NAMES[:4]


def test_an_older_releases_lake_keeps_as_many_runs_as_it_is_to(runs, make):
    """Its log has just begun."""
    last = make(NAMES[4])
    for stored in [*last.bucket.objects("things/_log/")]:
        last.bucket.delete(stored.key)
    last.bucket.delete("things/_latest.json")
    assert last.whole(keep_runs=3)["removed"] == NAMES[:2]
    assert committed(last) == NAMES[2:5]
