"""What a run's conf may do: set the fields of its DAG's form, as data. Nothing else, whatever it holds."""

import json
import os
import subprocess

import pytest

from tests.dags.conftest import Lake, dag_bag, wildfire

COPY_DAGS = ("wildfires_small_to_s3", "wildfires_to_s3", "wildfires_per_year", "api_to_s3")
TEMPLATE = "{{ conn.locals3.password }}{% for c in conn.locals3.password %}{{ c }}{% endfor %}"


@pytest.fixture
def asked(monkeypatch):
    """Every command that a bash task runs, with the dataset that its environment holds."""
    from airflow.providers.standard.hooks.subprocess import SubprocessHook

    seen = []
    run = SubprocessHook.run_command

    def watched(self, command, **options):
        seen.append((command, json.loads(os.environ["LAKE_DATASET"])))
        return run(self, command, **options)

    monkeypatch.setattr(SubprocessHook, "run_command", watched)
    return seen


def test_the_command_of_a_count_is_the_same_for_every_dataset_and_conf(lake: Lake, wildfires, asked):
    lake.connect_source(wildfires(4))
    for dag_id, conf in [
        ("wildfires_small_to_s3", {}),
        ("wildfires_to_s3", {"batch_size": 2}),
        ("api_to_s3", {"name": "other", "total": "body"}),
        ("api_to_s3", {"name": "other", "version_header": TEMPLATE}),
    ]:
        lake.run(dag_id, **conf)
    assert len({tuple(command) for command, _ in asked}) == 1
    assert [dataset["version_header"] for _, dataset in asked[-2:]] == ["", TEMPLATE]


def _texts():
    params = dag_bag().dags["api_to_s3"].params
    for name in params:
        schema = params.get_param(name).schema
        free = "string" in str(schema.get("type")) and not {"enum", "pattern"} & set(schema)
        if free:
            yield name


@pytest.mark.parametrize("field", list(_texts()))
def test_a_template_in_any_field_is_data(lake: Lake, source, capfd, field):
    served = source([{"id": n} for n in range(4)])
    lake.connect_source(served)
    lake.run("api_to_s3", **{field: TEMPLATE})
    password = _password()
    said = capfd.readouterr()
    assert password not in said.out + said.err
    assert password[::-1] not in said.out + said.err
    assert not any(password in request.path + str(request.query) for request in served.requests)


def _password() -> str:
    return str(json.loads(os.environ["AIRFLOW_CONN_LOCALS3"])["password"])


@pytest.mark.parametrize("dag_id", COPY_DAGS)
@pytest.mark.parametrize(("key", "near"), [("batchsize", "batch_size"), ("on_drft", "on_drift")])
def test_an_unknown_key_is_refused_before_anything_is_asked(lake: Lake, wildfires, capfd, dag_id, key, near):
    served = wildfires(4)
    lake.connect_source(served)
    ran = lake.run(dag_id, **{key: 3})
    assert (ran.state, served.requests, lake.objects()) == ("failed", [], [])
    if near in dag_bag().dags[dag_id].params:
        assert f"did you mean '{near}'" in "".join(capfd.readouterr())


def test_a_setting_that_the_form_does_not_offer_stays_as_it_is(lake: Lake, wildfires):
    served = wildfires(4)
    lake.connect_source(served)
    ran = lake.run("wildfires_to_s3", rows_path="/elsewhere")
    assert (ran.state, served.requests) == ("failed", [])


def test_an_alias_updates_the_asset_of_the_dataset_that_the_form_names(lake: Lake, wildfires):
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session

    lake.connect_source(wildfires(4))
    ran = lake.run("api_to_s3", name="fires_of_mine", batch_size=2)
    assert ran.state == "success"
    with create_session() as session:
        assets = session.query(AssetModel).filter_by(name="fires_of_mine")
        events = session.query(AssetEvent).filter(AssetEvent.asset_id.in_([each.id for each in assets]))
        extras = [event.extra for event in events]
    assert [extra["manifest"] for extra in extras] == [ran.xcom("commit")["manifest"]]


def test_a_copy_leaves_one_xcom(lake: Lake, wildfires):
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    lake.connect_source(wildfires(6))
    ran = lake.run("wildfires_to_s3", batch_size=2)
    with create_session() as session:
        keys = session.query(XComModel.task_id, XComModel.map_index, XComModel.key)
        found = sorted(keys.filter_by(run_id=ran.run.run_id, dag_id=ran.run.dag_id))
    assert found == sorted(
        [(task_id, -1, "return_value") for task_id in ("commit", "count_rows", "plan", "verify")]
        + [("copy", n, "return_value") for n in range(3)]
    )


def test_the_classic_pipeline_streams_the_answers_below_its_own_prefix(lake: Lake, source):
    served = source(wildfire, count=7, count_path="/api/count_small", rows_path="/api/get_small")
    lake.connect_source(served)
    ran = lake.run("wildfires_classic")
    assert ran.state == "success"
    (key,) = lake.objects()
    assert key.endswith("/data_from_0.json")
    assert json.loads(lake.read(key)) == [wildfire(n) for n in range(7)]


def test_the_classic_count_fails_with_a_sentence_where_there_is_no_curl():
    from include.tasks.classic import COUNT

    ran = subprocess.run(["/bin/bash", "-c", COUNT], env={"PATH": "/nowhere"}, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("curl is not installed here")
