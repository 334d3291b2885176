"""What `make image-test` and `make compose-test` build, by programs that note what they are asked."""

import json
import re
import sys

import pytest
import yaml

pytest.importorskip("services.deploy.export", reason="needs services/, which the Astro image does not carry")

from tests.images import compose, engine
from tests.project_files import PROJECT
from tests.unit.project.test_compose import OF_THE_CLI, interpolated

RUNTIME = "astrocrpublic.azurecr.io/runtime:3.3-8-python-3.12"
# Knows the images of IMAGES, can pull those of PULLABLE, fails what FAILS names, and notes every call.
FAKE = f"""#!{sys.executable}
import json, os, sys
from pathlib import Path

words = sys.argv[1:]
call = {{"program": Path(sys.argv[0]).name, "words": words}}
if words[0] == "build":
    call["dockerfile"] = Path(words[words.index("--file") + 1]).read_text()
    call["context"] = sorted(path.name for path in Path(words[-1]).iterdir())
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(call) + "\\n")
known, pullable = (os.environ.get(name, "").split() for name in ("IMAGES", "PULLABLE"))
fails = {{"image": words[-1] not in known, "pull": words[-1] not in pullable}}
if fails.get(words[0], words[0] in os.environ.get("FAILS", "").split()):
    sys.exit(f"no {{words[0]}} here")
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """with_programs(*names, **environment): the programs of the machine; `.calls()`: what they were asked."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(engine, "index_of_pip", lambda: {"UV_DEFAULT_INDEX": "https://index.example.com"})

    class Machine:
        def __call__(self, *names, **environment):
            for name in names:
                (folder / name).write_text(FAKE)
                (folder / name).chmod(0o755)
            for name, value in environment.items():
                monkeypatch.setenv(name, value)

        def calls(self):
            return [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]

        def built(self):
            """Tag → call, in the order they were built."""
            asked = [call for call in self.calls() if call["words"][0] == "build"]
            return {call["words"][call["words"].index("--tag") + 1]: call for call in asked}

    return Machine()


@pytest.mark.parametrize("place", ["IMAGES", "PULLABLE"])
def test_the_runtime_itself_is_preferred(machine, place):
    machine("podman", **{"IMAGES": engine.BASE, place: f"{RUNTIME} {engine.BASE}"})
    engine.build_image(engine.find())
    ((tag, call),) = machine.built().items()
    assert tag == engine.IMAGE
    assert call["dockerfile"] == (PROJECT / "Dockerfile").read_text()
    assert "dags" in call["context"]


@pytest.mark.parametrize("place", ["IMAGES", "PULLABLE"])
@pytest.mark.parametrize("base", ["", "mine:1"])
def test_a_stand_in_takes_its_place(machine, place, base):
    known = f"{RUNTIME} {base}" if base else engine.BASE
    machine("podman", BASE=base, **{place: known})
    engine.build_image(engine.find())
    assert list(machine.built()) == [engine.STAND_IN, engine.IMAGE]
    stand_in, image = machine.built().values()
    index = {f"{name}=https://index.example.com" for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL")}
    assert {f"BASE={base or engine.BASE}", "AIRFLOW=3.3.2", *index} <= set(stand_in["words"])
    assert stand_in["context"] == ["pip-constraints.txt", "uv.txt"]
    assert image["dockerfile"] == (PROJECT / "Dockerfile").read_text().replace(RUNTIME, engine.STAND_IN)
    assert "--format" in image["words"]  # podman's own drops ONBUILD


@pytest.mark.parametrize(
    ("programs", "fails", "said"),
    [
        ((), "", ["podman is not installed", "docker is not installed"]),
        (("podman", "docker"), "info", ["podman does not work: no info here", "docker does not work"]),
        (("podman",), "", [RUNTIME, engine.BASE, "make image-test BASE="]),
    ],
)
def test_what_is_missing_is_said_and_has_a_status_of_its_own(machine, programs, fails, said):
    machine(*programs, FAILS=fails)
    with pytest.raises(pytest.exit.Exception) as ended:
        engine.build_image(engine.find())
    assert ended.value.returncode == 3
    assert [text for text in said if text not in str(ended.value)] == []


def test_an_engine_can_be_chosen_and_docker_is_taken_where_podman_is_not(machine):
    machine("docker", IMAGES=RUNTIME)
    engine.build_image(engine.find())
    assert "--format" not in machine.built()[engine.IMAGE]["words"]
    machine("podman")
    assert [engine.find(name).rpartition("/")[2] for name in ("docker", "")] == ["docker", "podman"]


def test_a_build_that_fails_is_a_failure(machine):
    machine("podman", IMAGES=RUNTIME, FAILS="build")
    with pytest.raises(AssertionError, match=engine.IMAGE):
        engine.build_image(engine.find())


def test_the_stand_in_pins_what_is_locked():
    lines = engine.constraints().splitlines()
    assert len(lines) > 100
    assert [line for line in lines if not re.match(r"[a-z0-9][a-z0-9._-]*==\S+( ; .+)?$", line)] == []
    names = {line.partition("==")[0] for line in lines}
    assert {"apache-airflow", "apache-airflow-providers-amazon", "pytest", "minio"} <= names


def test_only_what_cannot_be_pulled_is_replaced(machine):
    machine("docker", BASE="mine:1", IMAGES="postgres:17.6-bookworm", PULLABLE="chrislusf/seaweedfs:4.48")
    images = {
        "scheduler": "wildfire-lake:3.3-8",
        "wildfires-api": "python:3.12.12-slim-bookworm",
        "postgres": "postgres:17.6",
        "warehouse-db": "postgres:17.6-bookworm",
        "seaweedfs": "chrislusf/seaweedfs:4.48",
    }
    assert compose.replacements(engine.find("docker"), images) == {
        "scheduler": engine.IMAGE,
        "wildfires-api": "mine:1",
        "postgres": engine.SERVICES,
    }
    assert list(machine.built()) == [engine.SERVICES]


def test_the_file_of_the_clis_shape_has_what_the_override_adds_to():
    cli, override = (yaml.safe_load(interpolated(file.read_text())) for file in compose.ASTRO.files)
    assert set(cli["services"]) == OF_THE_CLI
    assert {name for name in override["services"] if "image" not in override["services"][name]} <= OF_THE_CLI
    assert set(cli["networks"]) == {"airflow"}
