"""docs/kubernetes.md, "On a cluster of your own": its commands, run in order with programs that stand in.

The one for helm refuses what would keep the chart's pods from starting: a secret, an account or an image that
no command before it has made. What only a real cluster can show is not tested.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.kubernetes.files import merge, secrets_of_values, values
from tests.project_files import PROJECT, needs_the_repository

pytestmark = needs_the_repository

PAGE = PROJECT / "docs/kubernetes.md"
TEXT = (
    PAGE.read_text().partition("## On a cluster of your own\n")[2].partition("\n## ")[0]
    if PAGE.exists()
    else ""
)
IMAGE = "registry.example.com/wildfire-lake:1"
# docker, kubectl and helm in one: keeps what was made in a file, as "kind/name" → the object.
PROGRAM = f"""#!{sys.executable}
import json, os, sys
from pathlib import Path
import yaml

name, words = Path(sys.argv[0]).name, sys.argv[1:]
state = Path(os.environ["STATE"])
made = json.loads(state.read_text())
options = {{w: words[i + 1] for i, w in enumerate(words[:-1]) if w.startswith("--")}}

def need(condition, text):
    if not condition:
        sys.exit(f"{{name}} {{' '.join(words)}}: {{text}}")

def exists(kind, each):
    need(f"{{kind}}/{{each}}" in made, f"there is no {{kind}} {{each}}")

match [name, *words]:
    case ["docker", "build", *_]:
        made["built/" + options["--tag"]] = {{}}
    case ["docker", "push", image]:
        exists("built", image)
        made["image/" + image] = {{}}
    case ["kubectl", "apply", *_]:
        file = options["--filename"]
        for found in yaml.safe_load_all(sys.stdin if file == "-" else open(file)):
            namespace = found["metadata"].get("namespace") or options.get("--namespace")
            need(found["kind"] == "Namespace" or namespace == "airflow", "in another namespace")
            if found["kind"] != "Namespace":
                exists("Namespace", "airflow")
            if found["kind"] == "Job":
                exists("Release", "airflow")
                for container in found["spec"]["template"]["spec"]["containers"]:
                    exists("image", container["image"])
            made[found["kind"] + "/" + found["metadata"]["name"]] = found
    case ["kubectl", "create", "secret", "generic", secret, *_]:
        need(options["--namespace"] == "airflow", "in another namespace")
        exists("Namespace", "airflow")
        need("--from-literal" not in options, "a secret on the command line")
        given = options["--from-file"]
        key, _, value = given.partition("=") if "=" in given else (given, "", given)
        text = Path(value).read_text()
        made["Secret/" + secret] = {{"stringData": {{key: text}}}}
    case ["kubectl", "delete", "job", *names]:
        for each in names:
            made.pop("Job/" + each, None)
    case ["kubectl", "wait", *_]:
        exists("Job", "airflow-pools")
    case ["helm", "upgrade", *_]:
        need("Job/airflow-run-airflow-migrations" not in made, "the Job is immutable")
        for secret, key in json.loads(os.environ["NEEDED"]):
            exists("Secret", secret)
            need(key in made["Secret/" + secret]["stringData"], f"{{secret}} has no {{key}}")
        exists("ServiceAccount", "airflow-worker")
        exists("NetworkPolicy", "default-deny")
        exists("image", os.environ["IMAGE"])
        made["Release/airflow"] = {{"words": words}}
        made["Job/airflow-run-airflow-migrations"] = {{}}
    case _:
        sys.exit(f"not known here: {{name}} {{words}}")
state.write_text(json.dumps(made))
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def run(tmp_path):
    """run(block) → (exit status, standard error, what the cluster holds), in a clone with its files."""
    from services.local.__main__ import main

    clone, programs, state = tmp_path / "clone", tmp_path / "programs", tmp_path / "state"
    shutil.copytree(PROJECT / "k8s", clone / "k8s")
    (clone / "my-values.yaml").write_text(blocks("yaml")[0])
    (clone / "database-uri.txt").write_text("postgresql://user:password@host:5432/airflow")
    (clone / "passwords.json").write_text('{"admin": "x"}')
    main(["export-config", "--file", str(PROJECT / ".env.example"), "--folder", str(clone / ".deploy")])
    programs.mkdir()
    for name in ("docker", "kubectl", "helm"):
        (programs / name).write_text(PROGRAM)
        (programs / name).chmod(0o755)
    state.write_text("{}")
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "STATE": str(state),
        "NEEDED": json.dumps(secrets_of_values()),
        "IMAGE": IMAGE,
    }

    def run(block):
        done = subprocess.run(
            ["sh", "-e", "-c", block], cwd=clone, env=environment, capture_output=True, text=True, timeout=600
        )
        return done.returncode, done.stderr, json.loads(state.read_text())

    return run


def test_the_commands_make_a_cluster_with_pools_and_can_be_run_for_every_deploy(run):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    once, deploy = blocks("sh")
    assert run(once)[:2] == (0, "")
    for _ in range(2):
        status, error, made = run(deploy)
        assert (status, error) == (0, "")
    (container,) = made["Job/airflow-pools"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert container["args"] == ["python", "-m", "include.pools"]
    assert {"AIRFLOW_CONN_LOCALS3", "AIRFLOW_CONN_WAREHOUSE"} <= set(
        made["Secret/airflow-connections"]["stringData"]
    )


def test_the_chart_is_the_one_of_k8s_up(run):
    install = pytest.importorskip("services.kubernetes.install")
    (helm,) = [line for line in blocks("sh")[1].splitlines() if line.startswith("helm upgrade")]
    assert f"helm upgrade --install airflow {' '.join(install.CHART)} " in helm


@pytest.mark.parametrize("left_out", range(len(blocks("sh")[0].splitlines())) if TEXT else [])
def test_no_command_can_be_left_out(run, left_out):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    once, deploy = blocks("sh")
    lines = once.splitlines()
    del lines[left_out]
    assert run("\n".join(lines) + "\n" + deploy)[0] != 0


def test_the_values_of_ones_own_change_what_is_there():
    """Every key of the example is one of k8s/values.yaml: a misspelt one would change nothing."""
    chosen, own = values("values.yaml"), yaml.safe_load(blocks("yaml")[0])
    merged = values("values.yaml")
    merge(merged, own)
    assert merged != chosen
    assert strangers(own, chosen) == []
    assert merged["defaultAirflowRepository"] + ":" + merged["defaultAirflowTag"] == IMAGE
    assert strangers({"images": {"airflows": {}}}, {"images": {"airflow": {}}}) == ["airflows"]


def strangers(own, known):
    """Keys that the other values do not have, at any depth."""
    inner = [
        strangers(value, known[key]) for key, value in own.items() if isinstance(value, dict) and key in known
    ]
    return [key for key in own if key not in known] + [name for names in inner for name in names]
