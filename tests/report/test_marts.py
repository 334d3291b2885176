"""The marts of one loaded run and their export, against numbers computed here from its rows alone."""

import os
import statistics
import subprocess
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.airflow_home import PROJECT
from tests.real_fires import real_fires

DBT = PROJECT / ".venv-dbt" / "bin" / "dbt"


def generated(count):
    from services.wildfires_api import generator

    return list(generator.fires(count, seed=1))


def dbt(warehouse, *arguments):
    project = PROJECT / "include" / "dbt" / "wildfires"
    login = {"HOST": "127.0.0.1", "PORT": str(warehouse.server.port), "PASSWORD": warehouse.password}
    target = warehouse.home / "dbt"
    paths = [
        "--project-dir",
        project,
        "--profiles-dir",
        project,
        "--target-path",
        target,
        "--log-path",
        target,
    ]
    return subprocess.run(
        [DBT, "--no-use-colors", "--warn-error", *arguments, *paths],
        env={"PATH": os.environ["PATH"], "HOME": str(warehouse.home), "DO_NOT_TRACK": "1"}
        | {f"WAREHOUSE_{name}": value for name, value in login.items()},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def made(load, commit, warehouse, sdk):
    """Rows → the marts that come out at the other end, in the lake; and the run they are of."""

    def make(rows, **settings):
        if not DBT.exists():
            pytest.skip("needs .venv-dbt, which `make test-all` makes")
        from include.report import marts
        from include.transfer.store.bucket import Bucket

        run = commit(rows, batch=5000, **settings)
        loaded = load(run)
        built = dbt(warehouse, "build")
        assert built.returncode == 0, built.stdout[-3000:]
        exported = sdk.call(
            "include.astro_sdk.export_marts",
            "export",
            manifest=run.uri,
            warehouse="warehouse",
        )
        assert "error" not in exported, exported
        return run, loaded, exported, marts.read(Bucket(run.client, run.bucket), exported["marts"])

    return make


def day(julian):
    return None if julian is None else date(1858, 11, 17) + timedelta(days=int(julian - 2400000.5))


def totals(rows, *columns):
    """Key → (fires, acres), summed as decimals."""
    fires, acres = Counter(), defaultdict(Decimal)
    for row in rows:
        key = tuple(row[column] for column in columns)
        fires[key] += 1
        acres[key] += Decimal(repr(row["FIRE_SIZE"]))
    return {key: (count, float(acres[key])) for key, count in fires.items()}


def told(mart, *columns):
    return {
        tuple(row[column] for column in columns): (row["fires"], row["acres"]) for row in mart if row["fires"]
    }


def check(rows, marts):
    rows = [{**row, "MONTH": day(row["DISCOVERY_DATE"]).month} for row in rows]
    assert told(marts["fires_by_year"], "fire_year") == totals(rows, "FIRE_YEAR")
    assert told(marts["fires_by_cause_and_year"], "cause", "fire_year") == totals(
        rows, "STAT_CAUSE_DESCR", "FIRE_YEAR"
    )
    assert told(marts["fires_by_state"], "state") == totals(rows, "STATE")
    assert len(marts["fires_by_state"]) == 52
    assert told(marts["fires_by_size_class"], "size_class") == totals(rows, "FIRE_SIZE_CLASS")
    assert told(marts["fires_by_month_and_cause"], "discovery_month", "cause") == totals(
        rows, "MONTH", "STAT_CAUSE_DESCR"
    )
    largest = sorted(rows, key=lambda row: (-row["FIRE_SIZE"], row["FOD_ID"]))[:100]
    assert [
        (
            row["rank"],
            row["fod_id"],
            row["fire_name"],
            row["acres"],
            row["discovered_on"],
            row["contained_on"],
        )
        for row in marts["largest_fires"]
    ] == [
        (
            rank,
            row["FOD_ID"],
            row["FIRE_NAME"],
            row["FIRE_SIZE"],
            day(row["DISCOVERY_DATE"]),
            day(row["CONT_DATE"]),
        )
        for rank, row in enumerate(largest, 1)
    ]
    check_containment(rows, marts["containment_by_size_class"])


def check_containment(rows, mart):
    days = defaultdict(list)
    for row in rows:
        days[row["FIRE_SIZE_CLASS"]].append(
            None if row["CONT_DATE"] is None else (day(row["CONT_DATE"]) - day(row["DISCOVERY_DATE"])).days
        )
    assert {row["size_class"] for row in mart} == set(days)
    for row in mart:
        known = sorted(each for each in days[row["size_class"]] if each is not None)
        assert row["fires"] == len(days[row["size_class"]])
        assert row["fires_with_known_duration"] == len(known)
        assert row["contained_the_same_day"] == known.count(0)
        if known:
            assert row["median_days"] == statistics.median(known)
            assert row["mean_days"] == pytest.approx(statistics.mean(known))
            assert row["longest_days"] == known[-1]


def test_marts_of_generated_fires_are_what_their_rows_say(made):
    rows = generated(8000)
    run, _, _, marts = made(rows)
    check(rows, marts)
    (about,) = marts["report_run"]
    assert (about["manifest"], about["rows"]) == (run.uri, 8000)


def test_marts_of_real_fires_are_what_their_rows_say(made):
    rows = real_fires()
    _, _, _, marts = made(rows, format="parquet")
    check(rows, marts)


def test_a_run_of_no_fires_has_empty_marts_and_a_report_that_says_so(made):
    from include.report.draw import publish
    from include.transfer.store.bucket import Bucket

    run, loaded, exported, marts = made([])
    assert {name: len(rows) for name, rows in marts.items()} == {
        "fires_by_state": 52,
        "report_run": 1,
    } | dict.fromkeys(set(marts) - {"fires_by_state", "report_run"}, 0)
    answer = publish(Bucket(run.client, run.bucket), loaded, exported["marts"])
    assert answer["charts"] == 0
    assert "nothing to draw" in run.get("_report/index.html").decode()


def test_a_test_of_dbt_stops_what_is_not_as_the_manifest_says(load, commit, warehouse):
    """A test that cannot fail is worth nothing: each kind of damage is found by the one that is for it."""
    load(commit(generated(300)))
    damage = {
        "DELETE FROM wildfires_small.fires WHERE fod_id = (SELECT min(fod_id) FROM wildfires_small.fires)": (
            "rows_are_the_manifests"
        ),
        "UPDATE wildfires_small.fires SET fire_size_class = 'B' WHERE fire_size > 100": (
            "size_classes_are_those_of_the_acres"
        ),
        "UPDATE wildfires_small.fires SET discovery_date = discovery_date + 1 WHERE fire_size_class = 'A'": (
            "days_are_of_their_year"
        ),
        "UPDATE wildfires_small.fires SET state = 'XX' WHERE state = 'CA'": "relationships_stg_fires_state",
        "UPDATE wildfires_small.fires SET stat_cause_descr = 'Dragons' WHERE stat_cause_code = 1": (
            "accepted_values_stg_fires_cause"
        ),
    }
    for statement in damage:
        warehouse.query(statement)
    assert dbt(warehouse, "seed").returncode == 0
    assert dbt(warehouse, "run").returncode == 0
    tested = dbt(warehouse, "test")
    assert tested.returncode == 1
    failed = [line for line in tested.stdout.splitlines() if " FAIL " in line]
    for name in damage.values():
        assert any(name in line for line in failed), (name, failed)


def test_the_kept_dbt_manifest_is_of_this_project():
    if not DBT.exists():
        pytest.skip("needs .venv-dbt, which `make test-all` makes")
    from services.local import dbt_manifest as kept

    assert kept.MANIFEST.read_text() == kept.make(), "run `make dbt-manifest`"


def test_every_model_and_column_is_described_and_every_model_has_a_contract():
    import yaml

    folder = Path(PROJECT, "include", "dbt", "wildfires")
    files = [*folder.glob("models/**/*.yml"), *folder.glob("seeds/*.yml")]
    found = [yaml.safe_load(file.read_text()) for file in files]
    models = [model for each in found for kind in ("models", "seeds") for model in each.get(kind, [])]
    assert {model["name"] for model in models} == {
        file.stem for kind in ("models/**/*.sql", "seeds/*.csv") for file in folder.glob(kind)
    }
    undescribed = [m["name"] for m in models if not m.get("description")]
    undescribed += [
        f"{m['name']}.{c['name']}" for m in models for c in m["columns"] if not c.get("description")
    ]
    assert undescribed == []
    project = yaml.safe_load((folder / "dbt_project.yml").read_text())
    assert project["models"]["wildfires"]["+contract"] == {"enforced": True}
    assert project["flags"]["send_anonymous_usage_stats"] is False
