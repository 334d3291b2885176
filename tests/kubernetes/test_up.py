"""`make k8s-up`, with programs on PATH that stand in for docker, kind, kubectl and helm.

They show the order of the steps and what is done about one that fails. The one for helm takes any values:
test_values.py holds what can be held of them without the chart; only the chart and a cluster show the rest.
"""

import json
import signal
import socket
import subprocess
import sys

import pytest

from tests.kubernetes.machine import PROGRAMS
from tests.project_files import PROJECT, needs_the_repository
from tests.waiting import until

pytestmark = needs_the_repository

SECRETS = (
    "seaweedfs",
    "warehouse",
    "airflow-metadata",
    "airflow-jwt",
    "airflow-api",
    "airflow-fernet",
    "airflow-admin",
)


# Up -----------------------------------------------------------------------------------------------------


def test_up_does_every_step_in_its_order(up):
    lines = up.lines()
    wanted = [
        "docker info",
        "kind create cluster --name wildfire-lake",
        "kubectl wait --for=condition=Ready nodes",
        "docker build --tag wildfire-lake:local",
        "docker build --tag wildfires-api:local",
        "kind load docker-image wildfire-lake:",
        "kubectl apply --filename -",
        "kubectl create --filename -",
        "kubectl rollout status statefulset/seaweedfs",
        "kubectl rollout status statefulset/postgres",
        "kubectl rollout status deployment/wildfires-api",
        "kubectl delete job airflow-run-airflow-migrations --ignore-not-found",
        "helm upgrade --install airflow airflow --repo https://airflow.apache.org --version 1.22.0",
        "kubectl delete job airflow-pools --ignore-not-found",
        "kubectl apply --filename -",
        "kubectl wait --for=condition=complete job/airflow-pools",
    ]
    left = iter(lines)
    assert [want for want in wanted if not any(line.startswith(want) for line in left)] == []


def test_what_is_in_the_cluster_then(up):
    from airflow.sdk import Connection

    objects = up.objects()
    assert {"namespace/airflow", "serviceaccount/airflow-worker", "job/airflow-pools"} <= set(objects)
    assert {f"secret/{name}" for name in SECRETS} <= set(objects)
    connections = objects["secret/airflow-connections"]["stringData"]
    store = objects["secret/seaweedfs"]["stringData"]
    lake = Connection.from_json(connections["AIRFLOW_CONN_LOCALS3"], conn_id="locals3")
    assert (lake.login, lake.password) == (store["access-key"], store["secret-key"])
    assert json.loads(lake.extra)["endpoint_url"] == "http://seaweedfs:8333"
    source = Connection.from_json(connections["AIRFLOW_CONN_WILDFIRES_API"], conn_id="wildfires_api")
    assert (source.host, source.port) == ("wildfires-api", 8000)
    marts = Connection.from_json(connections["AIRFLOW_CONN_WAREHOUSE"], conn_id="warehouse")
    assert (marts.host, marts.password) == (
        "warehouse-db",
        objects["secret/warehouse"]["stringData"]["password"],
    )


def test_the_images_that_were_built_are_the_ones_that_run(up):
    (load,) = [line for line in up.lines() if line.startswith("kind load")]
    lake, api = load.split()[3:5]
    containers = {
        name: up.objects()[name]["spec"]["template"]["spec"]["containers"][0]["image"]
        for name in ("job/airflow-pools", "deployment/wildfires-api", "statefulset/seaweedfs")
    }
    assert containers["job/airflow-pools"] == lake
    assert containers["deployment/wildfires-api"] == api
    assert containers["statefulset/seaweedfs"] == "chrislusf/seaweedfs:4.48"
    (helm,) = [line for line in up.lines() if line.startswith("helm upgrade")]
    assert f"images.airflow.tag={lake.partition(':')[2]}" in helm
    assert "podTemplate=" in helm
    assert "local" not in (lake.partition(":")[2], api.partition(":")[2])


def test_the_pages_are_on_this_machine_alone_at_the_chosen_ports(up):
    assert {(m["listenAddress"], str(m["hostPort"])) for m in up.state()["ports"]} == {
        ("127.0.0.1", port) for port in up.ports.values()
    }
    said = up.run("status").stdout
    assert all(f"127.0.0.1:{port}" in said for port in up.ports.values())


def test_no_secret_is_on_a_command_line_or_in_what_is_printed(up):
    assert len(up.secret_values()) > 8
    for command in ("up", "status", "logs"):
        done = up.run(command)
        shown = done.stdout + done.stderr + "\n".join(up.lines())
        assert [value for value in up.secret_values() if value in shown] == []
    stored = [call for call in up.calls() if "apply" in call["arguments"] and '"Secret"' in call["stdin"]]
    assert all("--server-side" in call["arguments"] for call in stored)  # no copy in an annotation


def test_run_twice_it_keeps_cluster_and_keys(up):
    before = up.secret_values()
    done = up.run("up")
    assert done.returncode == 0, done.stderr
    lines = up.lines()
    assert not [line for line in lines if line.startswith(("kind create", "kubectl create"))]
    assert [line for line in lines if line.startswith("kind export kubeconfig")]
    assert up.secret_values() == before


def test_run_again_with_another_image_it_replaces_the_jobs_of_the_last(up):
    tag = up.objects()["job/airflow-pools"]["spec"]["template"]["spec"]["containers"][0]["image"]
    up.state(built="anew")
    done = up.run("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert up.objects()["job/airflow-pools"]["spec"]["template"]["spec"]["containers"][0]["image"] != tag


@pytest.mark.parametrize("job", ["airflow-run-airflow-migrations", "airflow-pools"])
def test_a_job_that_stays_refuses_another_image(up, job):
    """So the one above can fail."""
    kept = up.objects()
    up.state(built="anew")
    up.fails(f"delete job {job}", code=0)  # says that it is done, and does nothing
    done = up.run("up")
    assert done.returncode == 1
    assert "field is immutable" in done.stderr
    assert up.objects()[f"job/{job}"] == kept[f"job/{job}"]


def test_a_missing_secret_alone_is_made_anew(up):
    objects = up.objects()
    kept = objects["secret/seaweedfs"]
    del objects["secret/airflow-jwt"]
    up.state(objects=objects)
    assert up.run("up").returncode == 0
    assert up.objects()["secret/seaweedfs"] == kept
    assert len(up.objects()["secret/airflow-jwt"]["stringData"]["jwt-secret"]) > 40


# What may be missing or broken --------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_missing_program_is_named_before_anything_is_done(machine, name):
    (machine.bin / name).unlink()
    done = machine.run("up")
    assert done.returncode == 1
    assert f"  {name} " in done.stderr
    assert "https://" in done.stderr
    assert machine.calls() == []


def test_all_missing_programs_are_named_at_once(machine):
    for name in PROGRAMS:
        (machine.bin / name).unlink()
    said = machine.run("up").stderr
    assert [name for name in PROGRAMS if f"  {name} " not in said] == []


def test_a_docker_without_its_engine(machine):
    machine.fails("docker info", says="Cannot connect to the Docker daemon")
    done = machine.run("up")
    assert done.returncode == 1
    assert "Docker does not answer" in done.stderr
    assert "Cannot connect to the Docker daemon" in done.stderr
    assert machine.state()["clusters"] == []


@pytest.mark.parametrize(
    ("version", "words"),
    [("v3.18.6+gabc", "3.18 is too old"), ("v2.17.0", "2.17 is too old"), ("hello", "names no version")],
)
def test_a_helm_that_is_too_old_or_odd(machine, version, words):
    machine.state(helm=version)
    done = machine.run("up")
    assert done.returncode == 1
    assert words in done.stderr
    assert machine.state()["clusters"] == []


@pytest.mark.parametrize(
    ("version", "wait"), [("v3.19.0+g3d8990f", "--wait"), ("v4.0.1+g1", "--wait=watcher")]
)
def test_each_helm_is_asked_to_wait_in_its_own_words(machine, version, wait):
    machine.state(helm=version)
    assert machine.run("up").returncode == 0
    (upgrade,) = [call for call in machine.calls() if call["arguments"][:1] == ["upgrade"]]
    assert wait in upgrade["arguments"]


def test_a_port_that_is_taken_is_named_before_the_cluster_is_made(machine):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", int(machine.ports["S3_PORT"])))
        holder.listen()
        done = machine.run("up")
    assert done.returncode == 1
    assert f"port {machine.ports['S3_PORT']}" in done.stderr
    assert "S3_PORT=" in done.stderr
    assert machine.state()["clusters"] == []


def test_a_cluster_that_is_there_and_does_not_work(machine):
    machine.state(clusters=["wildfire-lake"])
    machine.fails("wait --for=condition=Ready", says="connection refused")
    done = machine.run("up")
    assert done.returncode == 1
    assert "make k8s-down k8s-up" in done.stderr
    assert not [line for line in machine.lines() if line.startswith("docker build")]


@pytest.mark.parametrize(
    "step",
    [
        "kind create",
        "docker build --tag wildfires-api",
        "kind load",
        "rollout status statefulset/postgres",
        "helm upgrade",
        "wait --for=condition=complete",
    ],
)
def test_a_step_that_fails_half_way_says_so_and_the_next_run_goes_on(machine, step):
    machine.fails(step, says="the disk is full")
    done = machine.run("up")
    assert done.returncode == 1
    assert "the disk is full" in done.stderr + done.stdout
    assert step.split()[-1] in done.stderr
    made = machine.secret_values()
    again = machine.run("up")
    assert again.returncode == 0, again.stderr
    assert made <= machine.secret_values()
    assert machine.state()["releases"] == {"airflow": "deployed"}


def test_a_failure_in_the_cluster_shows_what_is_going_on_there(machine):
    machine.fails("helm upgrade", says="timed out waiting for the condition")
    said = machine.run("up").stdout
    for title in ("── Pods and jobs", "── Warnings", "── Logs of Airflow", "── Logs of the servers"):
        assert title in said


@pytest.mark.parametrize(
    ("status", "remedy"), [("pending-install", "helm uninstall"), ("pending-upgrade", "helm rollback")]
)
def test_a_release_that_a_killed_helm_left_pending_is_mended(up, status, remedy):
    up.state(releases={"airflow": status})
    done = up.run("up")
    assert done.returncode == 0, done.stderr
    assert [line for line in up.lines() if line.startswith(remedy)]
    assert up.state()["releases"] == {"airflow": "deployed"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_broken_off_it_ends_its_programs_and_says_how_to_go_on(machine, how):
    machine.fails("kind create", sleeps=60)
    command = [sys.executable, "-m", "services.kubernetes", "up"]
    (machine.bin / "calls.jsonl").write_text("")
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env=machine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: "kind create" in " ".join(machine.lines()))
        process.send_signal(how)
        _, said = process.communicate()
    assert process.returncode == 130
    assert "make k8s-down" in said
