"""From a copy to its report under the real scheduler: asset, SDK, Cosmos, dbt, charts, and no secret."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.local.airflow_api import Run
from services.local.stack import Stack
from tests.airflow_home import PROJECT
from tests.waiting import until

pytestmark = pytest.mark.skipif(
    not all((PROJECT / name).exists() for name in (".venv-astro-sdk", ".venv-dbt")),
    reason="needs the report's interpreters, which `make test-all` makes",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    from services.local.run_report import REPORT, SCHEDULES
    from services.local.stack import Stack

    with Stack(tmp_path_factory.mktemp("report"), env_overrides=SCHEDULES) as running:
        running.api.wait_for_dag(REPORT)
        running.api.unpause(REPORT)
        yield running


@pytest.fixture(scope="module")
def copied(stack: Stack) -> dict[str, Any]:
    """What a copy committed."""
    run = stack.trigger("wildfires_to_s3", {"batch_size": 5_000})
    assert stack.wait(run, 600) == "success"
    return stack.api.xcom(run, "commit")


@pytest.fixture(scope="module")
def report(stack: Stack, copied: dict[str, Any]) -> Run:
    """The report that the commit's event started, ended."""
    from services.local.run_report import wait_for_report

    run = wait_for_report(stack, copied["manifest"])
    assert stack.wait(run, 1_200) == "success"
    return run


def read(stack: Stack, key: str) -> bytes:
    with stack.s3.get_object("task-mapping-api-data", key) as response:
        return response.read()


def test_the_commits_event_leads_to_a_report_of_its_run(stack, copied, report):
    loaded = stack.api.xcom(report, "load")
    assert (loaded["manifest"], loaded["rows"], loaded["loaded"]) == (copied["manifest"], 20_000, True)
    folder = f"wildfires/{copied['run']}/_report/"
    index = json.loads(read(stack, f"{folder}index.json"))
    assert len(index["charts"]) == 5
    named = {chart[kind] for chart in index["charts"] for kind in ("png", "svg", "dark_png", "dark_svg")}
    named |= {*index["marts"], "index.html", "docs.html"}
    found = {each.object_name for each in stack.s3.list_objects("task-mapping-api-data", folder)}
    assert {folder + name for name in named} <= found
    assert b"stg_fires" in read(stack, f"{folder}docs.html")


def test_the_marts_are_what_the_source_serves(stack, report):
    from services.local.run_report import differences
    from services.wildfires_api import totals
    from services.wildfires_api.snapshot import Snapshot

    marts = stack.api.xcom(report, "export")["marts"]
    source = totals.count(Snapshot(stack.home.data))
    assert differences(stack.s3, marts, source) == []
    source.values["STATE"]["CA"] += 1
    assert len(differences(stack.s3, marts, source)) == 1


def test_the_objects_of_the_run_are_still_what_its_manifest_says(stack, copied, report):
    from services.local.read_back import read_back

    assert read_back(stack.s3, copied["manifest"]).findings == []


def test_a_report_by_hand_takes_the_newest_run_and_loads_nothing_twice(stack, copied, report):
    again = stack.trigger("wildfires_report", {"dataset": "wildfires"})

    def ended():
        (state,) = (each["state"] for each in stack.api.task_instances(again) if each["task_id"] == "load")
        return state if state in ("success", "failed") else None

    assert until(ended) == "success"
    loaded = stack.api.xcom(again, "load")
    assert (loaded["manifest"], loaded["loaded"]) == (copied["manifest"], False)


def test_no_secret_is_in_what_the_report_leaves(stack, report):
    """Logs, rendered fields, XComs and objects; the database keeps connections encrypted."""
    from services.local.home import Credentials

    secrets = Credentials.load(stack.home)
    canaries = (secrets.warehouse_password, secrets.s3_secret_key, secrets.postgres_password)
    kept = json.dumps(stack.api.task_instances(report))
    for each in stack.api.task_instances(report):
        kept += json.dumps(each.get("rendered_fields"))
        if each["state"] == "success":
            kept += stack.log(report, each["task_id"], each["map_index"], each["try_number"])
            kept += json.dumps(stack.api.xcom(report, each["task_id"], each["map_index"]))
    for found in stack.s3.list_objects("task-mapping-api-data", recursive=True):
        if "_report/" in found.object_name:
            kept += read(stack, found.object_name).decode(errors="replace")
    assert "20000 rows in wildfires.fires" in kept  # so the logs of the SDK's process were read
    assert [secret for secret in canaries if secret in kept] == []
