"""The report: pictures, a page that needs nothing else, and an index that names no more than is there."""

import io
import json
from datetime import date

import pytest


def rows_of_marts():
    """Marts of a few made-up fires, as the export gives them."""
    years = [
        {"fire_year": year, "fires": 10 * n, "acres": 100.5 * n, "largest_acres": 9.0 * n}
        for n, year in enumerate((1992, 1993, 1994), 1)
    ]
    causes = [
        {"cause": cause, "fire_year": year, "fires": 5, "acres": 2.5}
        for cause in ("Arson", "Lightning")
        for year in (1992, 1994)
    ]
    return {
        "fires_by_year": years,
        "fires_by_cause_and_year": causes,
        "fires_by_state": [{"state": "CA", "name": "California", "fires": 60, "acres": 603.0}],
        "fires_by_size_class": [
            {"size_class": "A", "fires": 60, "acres": 603.0, "smallest_acres": 0.1, "largest_acres": 27.0}
        ],
        "fires_by_month_and_cause": [{"discovery_month": 7, "cause": "Arson", "fires": 60, "acres": 603.0}],
        "largest_fires": [
            {
                "rank": 1,
                "fod_id": 7,
                "fire_name": "<script>alert(1)</script> & SONS",
                "fire_year": 1994,
                "state": "CA",
                "cause": "Arson",
                "acres": 27.0,
                "discovered_on": date(1994, 7, 1),
                "contained_on": None,
            }
        ],
        "containment_by_size_class": [
            {
                "size_class": "A",
                "fires": 60,
                "fires_with_known_duration": 0,
                "contained_the_same_day": 0,
                "mean_days": float("nan"),
                "median_days": None,
                "ninetieth_percentile_days": None,
                "longest_days": None,
            }
        ],
        "report_run": [{"manifest": "s3://x"}],
    }


@pytest.fixture
def published(commit, request):
    """A report of made-up marts: the run, and what the step answered."""
    import pyarrow as pa
    import pyarrow.parquet

    from include.report.draw import publish
    from include.transfer.store.bucket import Bucket

    run = commit([])
    run.manifest["provenance"] = getattr(request, "param", "")
    run.commit()
    keys = {}
    for name, rows in rows_of_marts().items():
        out = io.BytesIO()
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), out)
        run.put(f"_report/{name}.parquet", out.getvalue())
        keys[name] = f"{run.folder}/_report/{name}.parquet"
    loaded = {
        "dataset": "wildfires_small",
        "run": run.manifest["run"],
        "rows": 60,
        "manifest": run.uri,
        "digest": "d" * 64,
    }
    return run, lambda **changes: publish(Bucket(run.client, run.bucket), loaded | changes, keys)


def test_the_report_is_whole_and_needs_nothing_else(published):
    run, publish = published
    answer = publish()
    assert answer["report"] == f"s3://{run.bucket}/{run.folder}/_report/index.html"
    index = json.loads(run.get("_report/index.json"))
    assert [chart["name"] for chart in index["charts"]] == [
        "fires_per_year",
        "causes_over_time",
        "map_of_states",
        "sizes",
        "season",
    ]
    for chart in index["charts"]:
        for kind in ("png", "dark_png"):
            assert run.get(f"_report/{chart[kind]}").startswith(b"\x89PNG")
        for kind in ("svg", "dark_svg"):
            assert run.get(f"_report/{chart[kind]}").startswith(b"<svg")
    assert len(index["marts"]) == 8
    assert all(run.get(f"_report/{name}") for name in index["marts"])
    page = run.get("_report/index.html").decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; SONS" in page
    elsewhere = [word for word in ("http://", "https://", "<script", "<link", "url(") if word in page]
    assert elsewhere == []


def test_the_pictures_have_text_in_them(published):
    """Where the font is missing a picture is drawn without its text, and nobody says so."""
    run, publish = published
    publish()
    svg = run.get("_report/map_of_states.svg").decode()
    # A no-break space stands before the sign.
    words = (">CA<", "100\u00a0% of the fires were in California", "Source: not named")
    assert {word for word in words if word not in svg} == set()

    import vl_convert

    spec = {"data": {"values": [{}]}, "mark": {"type": "text", "text": "Fires", "fontSize": 30}, "width": 90}
    sizes = {
        font: len(vl_convert.vegalite_to_png(spec | {"config": {"font": font}}))
        for font in ("Liberation Sans, Arial, Helvetica, sans-serif", "No Such Font")
    }
    with_text, without = sizes.values()
    assert with_text > without + 200


@pytest.mark.parametrize("published", ["Generated rows, not real fires (seed 0)"], indirect=True)
def test_no_chart_of_generated_rows_names_a_source(published):
    run, publish = published
    publish()
    index = json.loads(run.get("_report/index.json"))
    files = ["index.html", *(chart[kind] for chart in index["charts"] for kind in ("svg", "dark_svg"))]
    for file in files:
        text = run.get(f"_report/{file}").decode()
        assert "Generated rows, not real fires (seed 0)" in text
        assert "Source:" not in text


@pytest.mark.parametrize("published", ["FPA-FOD, doi:10.2737"], indirect=True)
def test_a_chart_of_real_rows_names_theirs(published):
    run, publish = published
    publish()
    for file in ("index.html", "sizes.svg", "season_dark.svg"):
        assert "Source: FPA-FOD, doi:10.2737" in run.get(f"_report/{file}").decode()


def test_a_report_beside_a_run_that_was_removed_leaves_nothing(published):
    from include.report.errors import RunGone

    run, publish = published
    run.client.remove_object(run.bucket, f"{run.folder}/_manifest.json")
    with pytest.raises(RunGone, match="was removed while"):
        publish()
    left = [found.object_name for found in run.client.list_objects(run.bucket, recursive=True)]
    assert not [key for key in left if "_report/" in key]


def test_a_mart_that_is_missing_is_named(published):
    from include.report.errors import RunDamaged

    run, publish = published
    run.client.remove_object(run.bucket, f"{run.folder}/_report/fires_by_year.parquet")
    with pytest.raises(RunDamaged, match="fires_by_year"):
        publish()


def test_an_old_runs_report_is_removed_with_it(published):
    from include.transfer.commit.retention import remove
    from include.transfer.store.bucket import Bucket
    from include.transfer.store.keys import Prefix

    run, publish = published
    publish()
    assert remove(Bucket(run.client, run.bucket), Prefix("wildfires_small", run.manifest["run"]))
    assert list(run.client.list_objects(run.bucket, f"{run.folder}/", recursive=True)) == []
