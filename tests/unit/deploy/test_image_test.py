"""`make image-test`, with programs in the place of podman and docker that note what they are asked."""

import json
import re
import sys

import pytest

from tests.project_files import PROJECT

module = pytest.importorskip(
    "services.deploy.image_test", reason="needs services/, which the Astro image does not carry"
)

from services.deploy.__main__ import main  # noqa: E402

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
if words[0] == "run":
    sys.exit(int(os.environ.get("STATUS", "0")))
"""


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """run(*arguments, programs=…, **environment) → (exit status, [call])."""
    calls = tmp_path / "calls"
    folder = tmp_path / "programs"
    folder.mkdir()

    def run(*arguments, programs=("podman",), **environment):
        for name in programs:
            (folder / name).write_text(FAKE)
            (folder / name).chmod(0o755)
        calls.write_text("")
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setenv("CALLS", str(calls))
        monkeypatch.setattr(module, "index_of_pip", lambda: {"UV_DEFAULT_INDEX": "https://index.example.com"})
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        status = main(["image-test", *arguments])
        return status, [json.loads(line) for line in calls.read_text().splitlines()]

    return run


def of(calls, *first):
    return [call for call in calls if call["words"][0] in first]


def built(calls):
    """Tag → call, in the order they were built."""
    return {call["words"][call["words"].index("--tag") + 1]: call for call in of(calls, "build")}


def test_the_runtime_itself_is_preferred(engine):
    status, calls = engine(IMAGES=f"{RUNTIME} {module.BASE}")
    assert status == 0
    assert list(built(calls)) == [module.IMAGE]
    assert built(calls)[module.IMAGE]["dockerfile"] == (PROJECT / "Dockerfile").read_text()
    assert "dags" in built(calls)[module.IMAGE]["context"]
    assert of(calls, "pull") == []


def test_the_runtime_is_pulled_where_it_can_be(engine):
    status, calls = engine(PULLABLE=RUNTIME)
    assert status == 0
    assert list(built(calls)) == [module.IMAGE]


@pytest.mark.parametrize("place", ["IMAGES", "PULLABLE"])
def test_a_stand_in_takes_its_place(engine, place):
    status, calls = engine(**{place: module.BASE})
    assert status == 0
    assert list(built(calls)) == [module.STAND_IN, module.IMAGE]
    base, image = built(calls).values()
    index = {f"{name}=https://index.example.com" for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL")}
    assert {"BASE=" + module.BASE, "AIRFLOW=3.3.2", *index} <= set(base["words"])
    assert base["context"] == ["pip-constraints.txt", "uv.txt"]
    assert "ONBUILD" in base["dockerfile"]
    assert image["dockerfile"] == (PROJECT / "Dockerfile").read_text().replace(RUNTIME, module.STAND_IN)
    assert "format" in " ".join(image["words"])  # podman's own drops ONBUILD


def test_a_base_of_ones_own(engine):
    status, calls = engine("--base", "mine:1", IMAGES=f"{RUNTIME} mine:1")
    assert status == 0
    assert "BASE=mine:1" in built(calls)[module.STAND_IN]["words"]


def test_the_tests_run_as_the_cli_runs_them(engine):
    _, calls = engine("--", "-k", "copy", IMAGES=RUNTIME)
    runs = [call["words"] for call in of(calls, "run")]
    assert [words[words.index(module.IMAGE) + 1 :] for words in runs] == [
        ["pytest", ".astro/test_dag_integrity_default.py"],
        ["pytest", "tests/", "-k", "copy"],
    ]
    assert all(words[words.index("--network") + 1] == "none" and "--rm" in words for words in runs)


def test_the_status_of_pytest_is_that_of_the_command(engine, capsys):
    status, calls = engine(IMAGES=RUNTIME, STATUS="1")
    assert status == 1
    assert len(of(calls, "run")) == 1  # what does not parse is not tested
    assert "failed inside the image" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("programs", "environment", "said"),
    [
        ((), {}, ["podman is not installed", "docker is not installed"]),
        (
            ("podman", "docker"),
            {"FAILS": "info"},
            ["podman does not work: no info here", "docker does not work"],
        ),
        (("podman",), {}, [RUNTIME, module.BASE, "make image-test BASE="]),
    ],
)
def test_what_is_missing_is_said_and_has_a_status_of_its_own(engine, capsys, programs, environment, said):
    status, calls = engine(programs=programs, **environment)
    assert status == 3
    assert of(calls, "build", "run") == []
    error = capsys.readouterr().err
    assert [text for text in said if text not in error] == []


def test_docker_is_taken_where_podman_does_not_work(engine):
    _, calls = engine(programs=("docker",), IMAGES=RUNTIME)
    assert {call["program"] for call in calls} == {"docker"}
    assert "--format" not in built(calls)[module.IMAGE]["words"]


def test_an_engine_can_be_chosen(engine, capsys):
    _, calls = engine("--engine", "docker", programs=("podman", "docker"), IMAGES=RUNTIME)
    assert {call["program"] for call in calls} == {"docker"}
    assert engine("--engine", "nerdctl", programs=())[0] == 3


def test_a_build_that_fails_is_a_failure(engine):
    status, calls = engine(IMAGES=RUNTIME, FAILS="build")
    assert (status, of(calls, "run")) == (1, [])


def test_the_stand_in_pins_what_is_locked():
    lines = module.constraints().splitlines()
    assert len(lines) > 100
    assert [line for line in lines if not re.match(r"[a-z0-9][a-z0-9._-]*==\S+( ; .+)?$", line)] == []
    assert "apache-airflow==3.3.2" in lines
    names = {line.partition("==")[0] for line in lines}
    assert {"apache-airflow-providers-amazon", "pytest", "minio"} <= names
