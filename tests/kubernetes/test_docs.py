"""docs/kubernetes.md: its links, targets, files, secrets and chart are the project's."""

import re

import pytest

from tests.project_files import PROJECT, needs_the_repository

pytestmark = needs_the_repository

PAGE = PROJECT / "docs/kubernetes.md"
TEXT = PAGE.read_text() if PAGE.exists() else ""
FILES = {path.name for path in (PROJECT / "k8s").glob("*")}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT))))
def test_every_link_leads_somewhere(link):
    assert (PAGE.parent / link).exists()


def test_every_make_target_is_one():
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make (k8s-[a-z]+|export-config)", TEXT))
    assert {"k8s-up", "k8s-check", "k8s-status", "k8s-logs", "k8s-secret", "k8s-down"} <= named <= targets


def test_every_file_of_the_folder_is_explained_and_no_other():
    table = TEXT[TEXT.index("| file in") : TEXT.index("`make k8s-up` generates")]
    assert set(re.findall(r"`([\w-]+\.yaml)`", table)) == FILES


def test_every_secret_is_explained():
    manifests = pytest.importorskip("services.kubernetes.manifests")
    table = TEXT[TEXT.index("| secret | holds |") : TEXT.index("DAGs from Git instead")]
    named = set(re.findall(r"`([a-z0-9-]+)`", table))
    assert {*manifests.generated_secrets(), "airflow-connections"} <= named


def test_the_charts_version_is_the_one_that_is_installed():
    deploy = pytest.importorskip("services.kubernetes.install")
    assert set(re.findall(r"--version (\S+)", TEXT)) == {deploy.CHART[-1]}
    assert set(re.findall(r"apache-airflow/airflow` (\d+\.\d+)", TEXT)) == {
        deploy.CHART[-1].rpartition(".")[0]
    }
