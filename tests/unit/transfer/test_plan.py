"""The plan of a run in the store: all objects have the columns that it infers, or that are declared."""

import json

import pytest

from include.transfer import run as steps
from include.transfer.commit.audit import audit
from include.transfer.commit.plan_document import Plan, contracted
from include.transfer.commit.retention import retire
from include.transfer.errors import ColumnsDiffer, Unplanned, Unverified
from tests.conformance.chains import Chain
from tests.conformance.styles import Served
from tests.unit.transfer.conftest import open_api

FORMATS = ["csv", "ndjson", "parquet"]


def sparse(count=4_000):
    """`b` in the first rows alone, `c` around the middle, `d` at the end; `a` is whole but in the middle."""
    return [
        {"id": n, "a": n + (0.5 if 2_000 <= n < 2_010 else 0)}
        | ({"b": "x"} if n < 5 else {})
        | ({"c": True} if 2_000 <= n < 2_005 else {})
        | ({"d": "y"} if n == count - 1 else {})
        for n in range(count)
    ]


def put(run):
    steps.settle(run.api, run.bucket, steps.count(run.api), run.plan(), run.prefix.run)
    return run.bucket.get_json(run.prefix.plan)


@pytest.mark.parametrize("format", FORMATS)
def test_all_objects_have_the_columns_of_first_middle_and_last_rows(source, make_run, format):
    run = make_run(source(sparse()), batch_size=500, format=format)
    run.whole()
    manifest = run.manifest()
    assert manifest["columns"] == ["id", "a", "b", "c", "d"]
    assert not any("columns" in receipt for receipt in manifest["receipts"])
    if format == "parquet":
        kinds = {"id": "int64", "a": "double", "b": "string", "c": "boolean", "d": "string"}
        assert manifest["types"] == kinds
    assert audit(run.bucket, run.prefix).findings == []


def test_the_document_says_what_the_run_copies(source, make_run):
    run = make_run(source([{"id": n} for n in range(25)], version='"v1"'), version_header="ETag")
    assert put(run) == {
        "version": 1,
        "dataset": "things",
        "run": run.prefix.run,
        "source": {"url": f"{run.source.url}/api/get", "count": 25, "version": "v1"},
        "fingerprint": run.dataset.fingerprint,
        "slices": [{"start": 0, "limit": 10}, {"start": 10, "limit": 10}, {"start": 20, "limit": 5}],
        "contract": {"inferred": True, "types": {"id": "int64"}},
    }


@pytest.mark.parametrize(
    ("rows", "settings", "asked"),
    [
        (0, {}, 0),
        (900, {}, 1),
        (1_500, {}, 2),
        (90_000, {}, 3),
        (90_000, {"types": {"id": "int64"}}, 0),
        (90_000, {"misfit": "rescue", "format": "ndjson"}, 0),  # which keeps rows as they come
    ],
)
def test_what_planning_asks_of_the_source(source, make_run, rows, settings, asked):
    run = make_run(source(lambda n: {"id": n}, count=rows), batch_size=50_000, **settings)
    put(run)
    assert len(run.source.row_requests) == asked


def test_a_source_that_gives_more_than_the_sample_asks_for(source, make_run):
    """It ignores the limit: its answers have 1,500 rows, and batches are larger."""
    served = source(
        lambda n: {"id": n, "text": "x" * 500}, count=3_000, limit_name="none", largest_limit=1_500
    )
    run = make_run(served, batch_size=3_000)
    run.whole()
    assert run.manifest()["columns"] == ["id", "text"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_column_that_no_sampled_page_had_follows_misfit(source, make_run, format):
    rows = [{"id": n, **({"odd": n} if n == 1_500 else {})} for n in range(4_000)]
    run = make_run(source(rows), batch_size=1_000, format=format)
    with pytest.raises(ColumnsDiffer) as raised:
        run.whole()
    assert "'odd'" in raised.value.got
    assert {"types", "misfit"} <= set(raised.value.fix.replace(",", "").split())
    rescuing = make_run(run.source, run="20260102T000000-b", batch_size=1_000, format=format, misfit="rescue")
    rescuing.whole()
    assert rescuing.manifest()["rescued"] == (0 if format == "ndjson" else 1)


@pytest.mark.parametrize("misfit", ["fail", "rescue"])
def test_a_chain_has_the_columns_of_its_first_answer(bucket, misfit):
    with Served(Chain()) as served:
        served.style.rows[60]["odd"] = 1
        settings = {"batch_size": 60, "misfit": misfit} | served.style.settings
        api = open_api(served, **settings)
        if misfit == "fail":
            with pytest.raises(ColumnsDiffer):
                steps.run(api, bucket, "20260101T000000-aaaa")
            return
        committed = steps.run(api, bucket, "20260101T000000-aaaa")
        manifest = bucket.get_json(committed["manifest"].split("/", 3)[3])
        assert (manifest["columns"][-1], manifest["rescued"]) == ("_rescued", 1)


def test_a_cleared_plan_keeps_its_columns_where_the_version_is_the_same(source, make_run):
    served = source([{"id": 1}], version='"v1"')
    run = make_run(served, version_header="ETag")
    first = put(run)
    served.rows = [{"id": 1, "late": 2}]
    served.requests.clear()
    assert put(run) == first
    assert served.row_requests == []
    served.version = '"v2"'
    assert list(put(run)["contract"]["types"]) == ["id", "late"]


def test_objects_of_another_plan_are_copied_again_and_never_committed(source, make_run):
    served = source([{"id": n} for n in range(20)])
    run = make_run(served)
    put(run)
    run.copy_all()
    served.rows = [*served.rows[:19], {"id": 19, "late": 2}]
    put(run)
    run.copy(10)
    with pytest.raises(Unverified) as raised:
        run.verify()
    assert ["rows 0–9" in finding.where for finding in raised.value.findings] == [True]
    assert not run.copy(0).reused
    run.commit()
    assert run.manifest()["columns"] == ["id", "late"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda plan: {},
        lambda plan: [],
        lambda plan: plan | {"run": "another"},
        lambda plan: plan | {"slices": [{"start": "0"}]},
        lambda plan: plan | {"contract": {"inferred": True, "types": {"id": "varchar"}}},
        lambda plan: (
            plan | {"contract": {"inferred": True, "types": {f"c{n}": "string" for n in range(10_001)}}}
        ),
        lambda plan: plan | {"fingerprint": "0" * 16},
    ],
)
def test_a_plan_that_is_none_or_of_other_settings_fails_the_copy(source, make_run, damage):
    run = make_run(source([{"id": 1}]))
    run.bucket.put_json(run.prefix.plan, damage(put(run)))
    with pytest.raises(Unplanned) as raised:
        run.copy(0, 1)
    assert raised.value.fix
    put(run)
    run.copy(0, 1)


def test_fields_of_a_newer_release_are_ignored(source, make_run):
    run = make_run(source([{"id": 1}]))
    stored = put(run) | {"version": 9, "windows": []}
    stored["slices"][0]["until"] = "x"
    assert Plan.from_dict(json.loads(json.dumps(stored)), run.prefix).types == {"id": "int64"}


def test_a_run_without_a_plan_has_the_columns_of_its_first_rows(source, make_run):
    run = make_run(source([{"id": n} for n in range(20)]))
    assert contracted(run.bucket, run.prefix, run.dataset) == {}
    run.copy_all()
    run.commit()
    assert run.manifest()["columns"] == ["id"]


def test_the_plan_goes_with_its_run_and_is_no_copy_that_has_begun(source, make_run):
    served = source([{"id": 1}], version='"v1"')
    run = make_run(served, version_header="ETag")
    run.whole()
    following = make_run(served, run="20260102T000000-b", version_header="ETag")
    put(following)
    counted, planned = steps.count(following.api), following.plan()
    assert steps.unchanged(following.api, following.bucket, counted, planned, following.prefix.run)
    following.whole()
    assert retire(following.bucket, following.prefix, 1) == [run.prefix.run]
    assert [key for key in following.stored_keys() if key.startswith(str(run.prefix))] == []
    following.bucket.put_json(following.prefix.plan, {})
    assert [each.where for each in audit(following.bucket, following.prefix).findings] == [
        following.prefix.plan
    ]


def test_other_columns_than_before_are_said(source, make_run, caplog):
    served = source([{"id": 1, "old": 2}])
    make_run(served, format="parquet").whole()
    served.rows = [{"id": "x", "new": 2}]
    make_run(served, run="20260102T000000-b", format="parquet").whole()
    (said,) = [record for record in caplog.records if "other columns" in record.getMessage()]
    assert said.args == ("20260101T000000-aaaa", "new new, gone old, id int64 → string")
