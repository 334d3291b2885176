"""Values and pod templates: the chart's schema, Airflow's settings, the pods that the executor makes."""

import pytest

from tests.kubernetes.files import FOLDER, VALUES, objects, values
from tests.project_files import PROJECT, needs_the_repository

pytestmark = needs_the_repository

# Names of the chart 1.22, whose schema lets unknown ones pass at its top level.
# fmt: off
TOP_LEVEL = {
    "airflowHome", "airflowLocalSettings", "airflowVersion", "apiSecretKeySecretName", "apiServer",
    "config", "createUserJob", "dagProcessor", "dags", "data", "defaultAirflowRepository",
    "defaultAirflowTag", "env", "executor", "fernetKeySecretName", "images", "jwtSecretName", "logs",
    "migrateDatabaseJob", "postgresql", "redis", "scheduler", "secret", "securityContexts", "statsd",
    "triggerer", "workers",
}
# fmt: on


# The chart's values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [VALUES[:1], VALUES], ids=["image", "git-sync"])
def test_values_name_nothing_that_the_chart_does_not_know(names):
    assert set(values(*names)) - TOP_LEVEL == set()


def test_what_the_chart_would_otherwise_get_wrong():
    chosen = values("values.yaml")
    assert chosen["executor"] == "LocalExecutor,KubernetesExecutor"
    assert chosen["airflowLocalSettings"] is None
    assert chosen["airflowHome"] == "/usr/local/airflow"
    assert chosen["workers"]["celery"]["persistence"]["enabled"] is False
    for job in ("migrateDatabaseJob", "createUserJob"):
        assert (chosen[job]["useHelmHooks"], chosen[job]["applyCustomEnv"]) == (False, False)


@pytest.mark.parametrize("names", [VALUES[:1], VALUES], ids=["image", "git-sync"])
def test_every_value_of_the_configuration_is_a_string(names):
    """The chart compares some of them with strings: another type ends the installation."""
    config = values(*names)["config"]
    found = {f"{section}.{name}": value for section, each in config.items() for name, value in each.items()}
    assert len(found) > 10
    assert {name: value for name, value in found.items() if not isinstance(value, str)} == {}


def made_by_the_chart(chosen):
    """(kind, name) of the accounts, config maps and secrets that chart 1.22 makes."""
    accounts = {"scheduler", "api-server", "dag-processor", "triggerer", "statsd", "migrate-database-job"}
    accounts |= {"create-user-job", "cleanup", "redis", "pgbouncer", "webserver"}
    if chosen["workers"].get("serviceAccount", {}).get("create", True):
        accounts.add("worker")
    made = {("ServiceAccount", f"airflow-{name}") for name in accounts}
    made |= {("ConfigMap", f"airflow-{name}") for name in ("config", "statsd")}
    keys = {
        "jwt-secret": "jwtSecretName",
        "api-secret-key": "apiSecretKeySecretName",
        "fernet-key": "fernetKeySecretName",
    }
    made |= {("Secret", f"airflow-{name}") for name, key in keys.items() if not chosen.get(key)}
    if not chosen["data"].get("metadataSecretName"):
        made.add(("Secret", "airflow-metadata"))
    return made


def test_nothing_of_k8s_has_a_name_that_the_chart_makes():
    """Helm refuses to take over an object that it has not made, and the installation ends."""
    manifests = pytest.importorskip("services.kubernetes.manifests")
    ours = {(each["kind"], each["metadata"]["name"]) for each in objects()}
    ours |= {("Secret", name) for name in [*manifests.generated_secrets(), "airflow-connections"]}
    chosen = values(*VALUES)
    assert ours & made_by_the_chart(chosen) == set()
    (account,) = [name for kind, name in ours if kind == "ServiceAccount"]
    assert chosen["workers"]["serviceAccount"]["name"] == account
    chosen["workers"] = {"kubernetes": {"serviceAccount": {"create": False, "name": account}}}
    assert ours & made_by_the_chart(chosen) == {("ServiceAccount", account)}


@pytest.mark.parametrize("names", [VALUES[:1], VALUES], ids=["image", "git-sync"])
def test_the_workflow_renders_the_chart_that_is_installed(names):
    install = pytest.importorskip("services.kubernetes.install")
    workflow = " ".join((PROJECT / ".github/workflows/kubernetes.yml").read_text().split())
    end = "-git-sync" if len(names) > 1 else ""
    options = [
        *(f"--values k8s/{name}" for name in names),
        f"--set-file podTemplate=k8s/pod-template{end}.yaml",
    ]
    chart = f"helm template airflow {' '.join(install.CHART)} --namespace airflow"
    assert f"{chart} {' '.join(options)}" in workflow


@pytest.mark.parametrize("component", ["scheduler", "dagProcessor"])
def test_a_slow_probe_on_a_busy_node_restarts_nothing(component):
    """Each starts an Airflow: 20 seconds, the chart's, were too few. It has five minutes to come up."""
    chosen = values("values.yaml")[component]
    probes = [probe for name, probe in chosen.items() if name in ("startupProbe", "livenessProbe")]
    assert {probe["timeoutSeconds"] for probe in probes} == {60}
    assert min(probe["periodSeconds"] * probe["failureThreshold"] for probe in probes) >= 300


def test_logs_cannot_fill_the_disk_of_a_node():
    chosen = values("values.yaml")
    assert chosen["config"]["logging"]["delete_local_logs"] == "True"
    folders = [chosen["logs"]["emptyDirConfig"]]
    for name in ("pod-template.yaml", "pod-template-git-sync.yaml"):
        (pod,) = objects(FOLDER / name)
        folders += [each["emptyDir"] for each in pod["spec"]["volumes"] if each["name"] == "logs"]
    assert len(folders) == 3
    assert all("sizeLimit" in folder for folder in folders)
    for component in ("scheduler", "dagProcessor"):
        assert chosen[component]["logGroomerSidecar"].get("enabled", True)


def test_the_charts_airflow_is_the_images():
    lock = (PROJECT / "requirements/run.lock").read_text()
    assert f"apache-airflow=={values('values.yaml')['airflowVersion']} " in lock.replace("\\", " ")
    assert values("values.yaml")["airflowVersion"] in (PROJECT / "Dockerfile").read_text()


def test_every_setting_is_one_of_airflows():
    """A misspelt name in the chart's `config` would be written into airflow.cfg and never be read."""
    from airflow.configuration import conf
    from airflow.providers.cncf.kubernetes.get_provider_info import get_provider_info

    known = {**conf.configuration_description, **get_provider_info()["config"]}
    unknown = {
        f"{section}.{name}"
        for section, found in values("values.yaml")["config"].items()
        for name in found
        if section != "cosmos" and name not in known.get(section, {}).get("options", {})
    }
    assert unknown == set()


# The pod template ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pod-template.yaml", "pod-template-git-sync.yaml"])
def test_the_executor_makes_a_pod_of_the_template(name):
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    pod = PodGenerator.construct_pod(
        dag_id="d",
        task_id="t",
        pod_id="d-t-1",
        try_number=1,
        kube_image="wildfire-lake:0123456789ab",
        date=None,
        args=["python", "-m", "airflow.sdk.execution_time.execute_workload"],
        pod_override_object=None,
        base_worker_pod=PodGenerator.deserialize_model_file(str(FOLDER / name)),
        namespace="airflow",
        scheduler_job_id="1",
    )
    made = PodGenerator.serialize_pod(pod)
    (container,) = made["spec"]["containers"]
    assert (container["name"], container["image"]) == ("base", "wildfire-lake:0123456789ab")
    assert {"AIRFLOW__CORE__EXECUTOR", "AIRFLOW_IS_K8S_EXECUTOR_POD"} <= {e["name"] for e in container["env"]}
    assert made["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("executor", ["LocalExecutor", "KubernetesExecutor"])
def test_a_dag_that_names_either_executor_can_be_imported_in_a_pod(executor, tmp_path, monkeypatch):
    """A worker reads the DAG again: an executor that its configuration lacks would be an import error."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.executors import executor_loader

    (pod,) = objects(FOLDER / "pod-template.yaml")
    both = {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}
    (tmp_path / "named.py").write_text(
        "from airflow.sdk import dag, task\n\n@dag(schedule=None)\ndef named():\n"
        f"    @task(executor={executor!r})\n    def t(): ...\n    t()\n\nnamed()\n"
    )

    def errors(configured: str) -> dict[str, str]:
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", configured)
        for name, found in vars(executor_loader).items():
            if name.startswith("_") and not name.startswith("__") and isinstance(found, dict | list):
                found.clear()
        return DagBag(str(tmp_path)).import_errors

    assert errors(both["AIRFLOW__CORE__EXECUTOR"]) == {}
    other = {"LocalExecutor": "KubernetesExecutor", "KubernetesExecutor": "LocalExecutor"}[executor]
    assert executor in "".join(errors(other).values())  # so the check can fail
    errors(both["AIRFLOW__CORE__EXECUTOR"])


def test_the_git_sync_template_only_adds_to_the_other():
    (plain,), (synced,) = (objects(FOLDER / f"pod-template{end}.yaml") for end in ("", "-git-sync"))
    spec = synced["spec"]
    (init,) = spec.pop("initContainers")
    assert init["image"] == "{repository}:{tag}".format(**values(*VALUES)["images"]["gitSync"])
    base = spec["containers"][0]
    base["env"] = [each for each in base["env"] if each["name"] != "PYTHONPATH"]
    base["volumeMounts"] = [each for each in base["volumeMounts"] if each["name"] != "dags"]
    spec["volumes"] = [each for each in spec["volumes"] if each["name"] not in ("dags", "git-sync-ssh-key")]
    assert synced == plain


def test_helm_finds_nothing_to_fill_in_the_plain_template():
    """The chart renders it as a template: two braces together would be code."""
    assert "{{" not in (FOLDER / "pod-template.yaml").read_text()


def test_dags_from_git_bring_their_own_include_and_policy():
    (synced,) = objects(FOLDER / "pod-template-git-sync.yaml")
    paths = {each["name"]: each.get("value") for each in synced["spec"]["containers"][0]["env"]}["PYTHONPATH"]
    (same,) = [each["value"] for each in values(*VALUES)["env"] if each["name"] == "PYTHONPATH"]
    assert paths == same == "/usr/local/airflow/dags/repo:/usr/local/airflow"
