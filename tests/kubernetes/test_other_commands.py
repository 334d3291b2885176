"""DAGs from Git, `make k8s-status`, `k8s-logs`, `k8s-secret` and `k8s-down`, with the same stand-ins."""

import os
import subprocess

import pytest

from tests.project_files import PROJECT, needs_the_repository

pytestmark = needs_the_repository


# Git ----------------------------------------------------------------------------------------------------


def test_dags_from_git_use_the_private_key_and_their_own_values(machine, tmp_path):
    key = tmp_path / "id_ed25519"
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnot-a-real-one\n")
    git = ("--git-repo", "git@example.org:a/b.git", "--git-ref", "release", "--git-ssh-key", str(key))
    done = machine.run("up", *git)
    assert done.returncode == 0, done.stderr
    assert "not-a-real-one" in machine.objects()["secret/airflow-git-secret"]["stringData"]["gitSshKey"]
    (helm,) = [line for line in machine.lines() if line.startswith("helm upgrade")]
    for part in (
        "values-git-sync.yaml",
        "pod-template-git-sync.yaml",
        "dags.gitSync.repo=git@example.org:a/b.git",
        "dags.gitSync.ref=release",
    ):
        assert part in helm
    assert "not-a-real-one" not in " ".join(machine.lines()) + done.stdout


@pytest.mark.parametrize("given", ["ssh-ed25519 AAAA… somebody", None])
def test_a_public_key_or_no_key_is_refused_before_anything_is_done(machine, tmp_path, given):
    key = tmp_path / "id.pub"
    if given:
        key.write_text(given)
    done = machine.run("up", "--git-repo", "git@example.org:a/b.git", "--git-ssh-key", str(key))
    assert done.returncode == 1
    assert "GIT_SSH_KEY" in done.stderr
    assert machine.calls() == []


def test_a_repository_without_a_key_is_refused(machine):
    done = machine.run("up", "--git-repo", "git@example.org:a/b.git")
    assert (done.returncode, "GIT_SSH_KEY" in done.stderr) == (1, True)


# Status, logs, secrets ----------------------------------------------------------------------------------


def test_status_tells_by_its_exit_status_too(machine):
    done = machine.run("status")
    assert done.returncode == 3
    assert "make k8s-up" in done.stdout


def test_status_of_a_cluster_with_and_without_airflow(up):
    done = up.run("status")
    assert done.returncode == 0
    assert "airflow: deployed, airflow-1.22.0" in done.stdout
    up.state(releases={})
    assert up.run("status").returncode == 3


def test_logs_of_all_and_of_one(up):
    said = up.run("logs").stdout
    for component in ("scheduler", "api-server", "dag-processor", "worker", "seaweedfs", "postgres"):
        assert f"── {component}" in said
    up.run("logs", "scheduler")
    assert [line for line in up.lines() if "component=scheduler" in line and "--tail 200" in line]
    up.run("logs", "some-pod-1")
    assert [line for line in up.lines() if line.startswith("kubectl logs some-pod-1")]


def test_a_secret_is_printed_when_it_is_asked_for(up):
    password = up.objects()["secret/airflow-admin"]["stringData"]["password"]
    assert up.run("secret", "airflow-admin", "password").stdout.strip() == password
    wrong = up.run("secret", "airflow-admin", "user")
    assert wrong.returncode == 1
    assert "password" in wrong.stderr


@pytest.mark.parametrize("command", [("logs",), ("secret", "a", "b")])
def test_what_needs_the_cluster_says_so(machine, command):
    done = machine.run(*command)
    assert done.returncode == 1
    assert "make k8s-up" in done.stderr


# Down ---------------------------------------------------------------------------------------------------


def test_down_leaves_nothing(up):
    assert up.state()["images"]
    done = up.run("down")
    assert done.returncode == 0, done.stderr
    state = up.state()
    assert (state["clusters"], state["objects"], state["images"], state["releases"]) == ([], {}, [], {})
    assert not (up.folder / "home").exists()


def test_down_without_up_and_twice(machine):
    for _ in range(2):
        done = machine.run("down")
        assert done.returncode == 0, done.stderr
        assert not [line for line in machine.lines() if line.startswith(("kind delete", "docker image rm"))]


def test_down_that_did_not_succeed_says_so(up):
    up.fails("kind delete", code=0)
    done = up.run("down")
    assert done.returncode == 1
    assert "0123456789ab" in done.stderr  # the container that is left


def test_make_hands_its_variables_on():
    values = {"GIT_REPO": "git@example.org:a/b.git", "GIT_SSH_KEY": "/a key", "NAME": "some pod"}
    for target, words in (("k8s-up", "--git-ssh-key"), ("k8s-logs", "logs"), ("k8s-secret", "secret")):
        done = subprocess.run(
            ["make", "-n", target],
            cwd=PROJECT,
            env=os.environ | values,
            capture_output=True,
            text=True,
            check=True,
        )
        assert words in done.stdout
