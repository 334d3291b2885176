"""`make compose-test`, with a program in Docker's place; with Docker itself it runs in CI."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from tests.project_files import PROJECT

module = pytest.importorskip(
    "services.deploy.compose_test", reason="needs services/, which the Astro image does not carry"
)

from services.deploy.__main__ import main  # noqa: E402
from services.local.errors import RunFailed  # noqa: E402
from tests.unit.project.test_compose import OF_THE_CLI, interpolated  # noqa: E402

# Knows the images of IMAGES, fails the commands that FAILS names, and notes every call. The images of a
# project are those of its files, as `docker compose config` has them.
FAKE = f"""#!{sys.executable}
import json, os, re, sys
from pathlib import Path

sys.path[:0] = {sys.path!r}
import yaml

words = sys.argv[1:]
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(words) + "\\n")
fails = os.environ.get("FAILS", "").split()
if words[0] in ("image", "pull") and words[-1] not in os.environ["IMAGES"].split():
    sys.exit("no such image")
command = next((word for word in ("version", "config", "up", "down", "logs") if word in words), words[0])
if command in fails:
    sys.exit(f"no {{command}} here")
if command == "config":
    images = {{}}
    for file in (words[i + 1] for i, word in enumerate(words) if word == "--file"):
        for name, service in yaml.safe_load(Path(file).read_text())["services"].items():
            if "image" in service:
                images[name] = {{"image": service["image"]}}
    print(json.dumps({{"services": images}}))
"""


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """run(*arguments, there=True, **environment) → (exit status, [words of a call])."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setattr(module.image_test, "build_image", lambda program, base: None)

    def run(*arguments, there=True, **environment):
        if there:
            (folder / "docker").write_text(FAKE)
            (folder / "docker").chmod(0o755)
        (tmp_path / "calls").write_text("")
        for name, value in {"CALLS": tmp_path / "calls", "PATH": folder, "IMAGES": "", **environment}.items():
            monkeypatch.setenv(name, str(value))
        status = main(["compose-test", *arguments])
        return status, [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]

    return run


@pytest.fixture
def copied(monkeypatch):
    """The projects that were copied through; the copies themselves need a real stack."""
    projects = []
    monkeypatch.setattr(module, "copy_and_verify", lambda project, ports: projects.append(project))
    return projects


def of(calls, command):
    return [words for words in calls if command in words]


@pytest.mark.parametrize(
    "machine", [{"there": False}, {"FAILS": "info"}, {"FAILS": "version"}, {"FAILS": "up"}]
)
def test_what_is_missing_or_fails_is_told_apart(docker, copied, capsys, machine):
    status, calls = docker(**machine)
    assert status == (1 if machine == {"FAILS": "up"} else 3)
    assert copied == []
    assert "docker" in capsys.readouterr().err
    assert len(of(calls, "down")) == len(of(calls, "up"))


def test_both_are_started_copied_through_and_removed_with_their_volumes(docker, copied):
    status, calls = docker()
    assert (status, copied) == (0, [module.ASTRO, module.CELERY])
    down = of(calls, "down")
    assert [words[words.index("--project-name") + 1] for words in down] == [each.name for each in copied]
    assert all("--volumes" in words for words in down)


def test_a_copy_that_fails_leaves_nothing_up(docker, monkeypatch):
    def fail(project, ports):
        raise RunFailed("rows are missing")

    monkeypatch.setattr(module, "copy_and_verify", fail)
    status, calls = docker()
    assert status == 1
    assert len(of(calls, "down")) == len(of(calls, "up")) == 1


def test_only_what_cannot_be_pulled_is_replaced(docker, copied, monkeypatch):
    found = []
    replace = module.replacements
    monkeypatch.setattr(module, "replacements", lambda *given: found.append(replace(*given)) or found[-1])
    docker("--base", "mine:1", IMAGES="postgres:17.6-bookworm chrislusf/seaweedfs:4.48")
    images = found[0]
    assert {name: images.get(name) for name in ("scheduler", "wildfires-api", "postgres")} == {
        "scheduler": module.image_test.IMAGE,
        "wildfires-api": "mine:1",
        "postgres": module.STAND_IN,
    }
    assert not {"warehouse-db", "seaweedfs"} & set(images)


def test_the_file_of_the_clis_shape_has_what_the_override_adds_to():
    cli, override = (yaml.safe_load(interpolated(Path(file).read_text())) for file in module.ASTRO.files)
    assert set(cli["services"]) == OF_THE_CLI
    assert {name for name in override["services"] if "image" not in override["services"][name]} <= OF_THE_CLI
    assert set(cli["networks"]) == {"airflow"}
    assert (PROJECT / "docker-compose.override.yml") in module.ASTRO.files
