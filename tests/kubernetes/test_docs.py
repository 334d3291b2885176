"""docs/kubernetes.md: its commands, files, names and numbers are the project's."""

import re
from pathlib import Path

import pytest
import yaml

from tests.project_files import PROJECT, needs_the_repository

pytestmark = needs_the_repository

PAGE = PROJECT / "docs/kubernetes.md"
TEXT = PAGE.read_text() if PAGE.exists() else ""
FILES = {path.name for path in (PROJECT / "k8s").glob("*")}
VALUES = yaml.safe_load((PROJECT / "k8s/values.yaml").read_text()) if FILES else {}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT))))
def test_every_link_leads_somewhere(link):
    assert (PAGE.parent / link).exists()


def test_every_make_target_is_one():
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make (k8s-[a-z]+|export-config)", TEXT))
    assert {"k8s-up", "k8s-check", "k8s-status", "k8s-logs", "k8s-secret", "k8s-down"} <= named <= targets


def test_every_file_of_the_folder_is_explained_and_no_other():
    table = TEXT[TEXT.index("| file in") : TEXT.index("`make k8s-up` generates")]
    assert set(re.findall(r"`([\w-]+\.yaml)`", table)) - {"airflow_settings.yaml"} == FILES


def test_every_secret_is_explained():
    manifests = pytest.importorskip("services.kubernetes.manifests")
    table = TEXT[TEXT.index("| secret | holds |") : TEXT.index("DAGs from Git instead")]
    named = set(re.findall(r"`([a-z0-9-]+)`", table))
    assert {*manifests.generated_secrets(), "airflow-connections"} <= named


def test_the_charts_version_is_the_one_that_is_installed():
    deploy = pytest.importorskip("services.kubernetes.deploy")
    assert set(re.findall(r"--version (\S+)", TEXT)) == {deploy.CHART[-1]}
    assert set(re.findall(r"apache-airflow/airflow` (\d+\.\d+)", TEXT)) == {
        deploy.CHART[-1].rpartition(".")[0]
    }


def test_numbers_are_those_of_the_values():
    scheduler, executor = (VALUES["config"][name] for name in ("scheduler", "kubernetes_executor"))
    assert f"`[scheduler] task_queued_timeout` ({scheduler['task_queued_timeout']} s)" in TEXT
    assert executor["task_publish_max_retries"] == 10
    assert "asked again, ten times (`task_publish_max_retries`" in TEXT
    assert executor["delete_worker_pods_on_failure"] is True


def test_helm_is_as_old_as_the_commands_say():
    programs = pytest.importorskip("services.kubernetes.programs")
    assert "{}.{} or newer".format(*programs.OLDEST_HELM) in TEXT


def test_secrets_of_ones_own_cluster_are_all_that_the_values_ask_for():
    made = dict(re.findall(r"create secret generic ([a-z-]+) .*?--from-literal=([\w.-]+)=", TEXT, re.DOTALL))
    assert made == {
        VALUES["data"]["metadataSecretName"]: "connection",
        VALUES["jwtSecretName"]: "jwt-secret",
        VALUES["apiSecretKeySecretName"]: "api-secret-key",
        VALUES["fernetKeySecretName"]: "fernet-key",
        VALUES["apiServer"]["extraVolumes"][0]["secret"]["secretName"]: "passwords.json",
    }


def test_readme_leads_here():
    assert "(docs/kubernetes.md)" in Path(PROJECT / "README.md").read_text()
