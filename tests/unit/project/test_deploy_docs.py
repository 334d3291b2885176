"""docs/deploy.md: every command in it exists, with its options, and so does every file."""

import contextlib
import re
import shlex
from pathlib import Path

import pytest

from tests.project_files import PROJECT

DOCS = PROJECT / "docs" / "deploy.md"
# Made by `make export-config`, and what a user makes as the docs say.
FORMS = {"connections.env", "connections.json", "secret.yaml", "astro.sh"}
MADE = FORMS | {".env.production", ".deploy"}
# The Astro CLI, 1.46: cmd/airflow.go there, and deploy.go, deployment.go, env_conn.go of cmd/cloud.
ASTRO = {
    "login": set(),
    "dev parse": set(),
    "dev pytest": set(),
    "deployment list": set(),
    "deploy": {"--parse", "--wait", "--dags"},
    "env connection create": set(),
    "deployment pool create": set(),
}


def commands(text):
    """Every line of the sh blocks, and every command between backticks, as words."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    inline = re.findall(
        r"`((?:make|astro|airflow|python|docker) [^`]+)`",
        re.sub(r"```.*?```", "", text, flags=re.DOTALL),
    )
    return [shlex.split(line, comments=True) for line in [*lines, *inline] if line.strip()]


def airflow_takes(words):
    """Whether Airflow's own parser does; a command between backticks may leave its arguments out."""
    from airflow.cli.cli_parser import get_parser

    for given in (words, [*words, "x"]):
        with contextlib.suppress(SystemExit):
            return bool(get_parser().parse_args(given))
    return False


def exists(words):
    """Whether there is such a command; targets of make are looked up in all documents: test_documents.py."""
    program, *rest = words
    match program:
        case "astro":
            name = " ".join(word for word in rest if not word.startswith(("-", "<")))
            return name in ASTRO and {word for word in rest if word.startswith("-")} <= ASTRO[name]
        case "airflow":
            return airflow_takes(rest)
        case "python":
            return (PROJECT / f"{rest[1].replace('.', '/')}.py").exists()
    return program in ("make", "cp", "sh", "docker", "kubectl", "!")


def missing_files(words):
    """Paths of the project or of `.deploy/` that are neither there nor made."""
    paths = [
        Path(word.partition("=")[2] or word) for word in words if re.match(r"[\w./=-]*[./][\w./-]+$", word)
    ]
    return [
        str(path)
        for path in paths
        if path.name not in MADE
        and not (PROJECT / path).exists()
        and not re.match(r"https?:|service/|include\.|[\d.]+$", str(path))
    ]


COMMANDS = commands(DOCS.read_text()) if DOCS.exists() else []


def test_there_are_commands_of_every_kind():
    assert {"make", "astro", "airflow", "cp", "sh"} <= {words[0] for words in COMMANDS}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command(words):
    assert exists(words)
    assert missing_files(words) == []


@pytest.mark.parametrize(
    "line",
    [
        "astro dev parze",
        "astro deploy x --nonsense",
        "astro deploy --wait y",
        "airflow connections import --replace .deploy/connections.json",
        "airflow pool import .deploy/pools.json",
        "terraform apply",
        "python -m include.pool",
        "cp .env.sample .env.production",
    ],
)
def test_a_mistake_shows(line):
    words = shlex.split(line)
    assert not exists(words) or missing_files(words)


def test_every_exported_file_is_explained():
    explained = set(re.findall(r"^\| `([^`]+)` \|", DOCS.read_text(), re.MULTILINE))
    assert explained == FORMS


def test_the_example_lines_can_be_exported(tmp_path, capsys):
    from services.local.__main__ import main

    lines = re.findall(r"^AIRFLOW_CONN_.*$", DOCS.read_text(), re.MULTILINE)
    (tmp_path / "env").write_text("\n".join(lines))
    assert main(["export-config", "--file", str(tmp_path / "env"), "--folder", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.count(" complete") == len(lines) == 2
