"""Whatever stands in a store or in a run's form: the list of runs is drawn, and names what is wrong."""

import io
import json
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.lake_page import detail, overview, strip
from include.lake_page.figures import Figures, figures_of
from include.lake_page.render import render
from include.lake_page.runs import AirflowRun, CopyDag, Progress
from include.lake_page.stored_runs import Committed, Damaged, Lake
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from tests.unit.lake_page.test_stored_runs import RUN, manifest_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
OTHER = Prefix("acres", "20260101T120000-bbbbbbbb")
SCOPE = {"root_path": "/lake"}


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**400, -(10**400), 1 << 63, "x" * 1_000_000, "\ud800", "\x00", "<script>"])
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
) | st.sampled_from([nested(40), nested(200), [[]] * 60_000, [{}] * 60_000, {str(n): n for n in range(999)}])


def places(value, path=()):
    """The path of every value inside a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places(inner, (*path, name))


def replaced(value, path, junk):
    if not path:
        return junk
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], junk)
    return copy


WHOLE = {
    **manifest_of(drift={"planned": {"count": 1, "version": "v"}, "verified": {"count": 2, "version": "v"}}),
    "proof": {"counted_twice": True, "end": "empty", "pages": {"compared": 2}, "rows": {"compared": 2}},
}


class Memory(Bucket):
    """A bucket whose objects are texts."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.name, self._objects = "lake", objects

    @contextmanager
    def _opened(self, key):
        body = io.BytesIO(self._objects.get(key, b""))
        yield urllib3.HTTPResponse(body, headers={"ETag": '"a"'}, preload_content=False)


def drawn(prefix: Prefix, stored, run: AirflowRun | None = None) -> str:
    """The list with this run and another one, and the page of this run."""
    progress = Progress()
    listed = overview.list_runs([run] if run else [], [prefix, OTHER])
    manifests = {prefix: stored, OTHER: Committed.read({**WHOLE, "dataset": "x"}, OTHER)}
    datasets = [
        overview.DatasetRuns(
            name, (), overview.rows_of(runs, lambda run: Figures(), manifests, set(), NOW), len(runs)
        )
        for name, runs in listed.items()
    ]
    html = render("overview.html", SCOPE, datasets=datasets, dags=[], troubles=[])
    manifest = stored if isinstance(stored, Committed) else None
    batches = detail.batches(prefix, run, progress, manifest, {}, NOW)
    return html + render(
        "run.html",
        SCOPE,
        row=overview.run_row(prefix, run, figures_of(run, progress, NOW), stored, NOW),
        run=run,
        prefix=prefix,
        manifest=manifest,
        batches=batches,
        shown=batches.rows[:100],
        strip=strip.draw(batches.rows, batches.median_seconds),
        sort="start",
        descending=False,
        page=1,
        pages=1,
        report=None,
        bucket="lake",
        troubles=[],
        torn=stored.complaints if isinstance(stored, Damaged) else (),
        unchanged="",
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from(sorted(places(WHOLE), key=str)), junk=JUNK)
def test_a_manifest_with_anything_anywhere_is_shown_or_named(path, junk):
    text = json.dumps(replaced(WHOLE, path, junk)).encode()
    stored = Lake(Memory({RUN.manifest: text})).manifest(RUN)
    html = drawn(RUN, stored)
    assert str(OTHER) in html
    assert len(html) < 500_000
    if isinstance(stored, Damaged):
        assert "unreadable" in html
        assert all(0 < len(complaint) < 400 for complaint in stored.complaints)


@pytest.mark.parametrize(
    "changes",
    [
        {"drift": []},
        {"drift": {"planned": [1]}},
        {"drift": {"planned": {"count": 1e300}}},
        {"types": {"a": 1}},
        {"rows": 10**30},
        {"receipts": [{**WHOLE["receipts"][0], "seconds": float("nan")}]},
        {"receipts": [{**WHOLE["receipts"][0], "bytes": 10**400}]},
        {"proof": nested(500)},
    ],
)
def test_what_is_no_value_of_a_manifest_makes_none(changes):
    text = json.dumps({**WHOLE, **changes}).encode()
    assert isinstance(Lake(Memory({RUN.manifest: text})).manifest(RUN), Damaged)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(conf=st.dictionaries(st.sampled_from(sorted(Dataset(name="fires").to_dict())), JUNK, max_size=3))
def test_a_conf_of_anything_is_a_dataset_or_is_named(conf):
    form = frozenset(Dataset(name="fires").to_dict())
    dag = CopyDag("fires_to_s3", {"name": "fires"}, "copy", "plan", "verify", form)
    try:
        dataset = dag.dataset_of(conf)
    except BadSettings:
        return
    assert isinstance(hash((dataset.store_conn_id, dataset.bucket)), int)
    run = AirflowRun(dag, "manual__1", "failed", NOW, None, None, dataset)
    assert run.prefix.run in drawn(run.prefix, None, run)
