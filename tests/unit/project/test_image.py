"""What the Astro CLI builds: the base image, the packages it installs, and the CLI's own files."""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml

from tests.project_files import PROJECT, needs_the_repository, repository_files

pytestmark = needs_the_repository


# The base image ----------------------------------------------------------------------------------------


def base_image(dockerfile):
    """Name and tag of the first FROM, which is where the CLI looks; an image without a tag is `latest`."""
    for line in dockerfile.splitlines():
        if match := re.match(r"\s*FROM\s+(?:--\S+\s+)*(\S+)", line, re.IGNORECASE):
            name, _, tag = match[1].partition("@")[0].rpartition(":")
            return (name, tag) if name and "/" not in tag else (match[1], "latest")
    return "", ""


def pinned_runtime(dockerfile):
    """Runtime version and Python of an Astro image, None unless both are exact: `3.3-8-python-3.12`."""
    name, tag = base_image(dockerfile)
    exact = re.fullmatch(r"(\d+\.\d+-\d+)-python-(3\.\d+)", tag)
    return exact.groups() if name.endswith("/runtime") and exact else None


def last_stage(dockerfile):
    """The image that the last FROM comes to, through the names of earlier stages: where newer CLIs look."""
    stages = re.findall(
        r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", dockerfile, re.IGNORECASE | re.MULTILINE
    )
    image = ""
    for reference, _ in reversed(stages):
        image = reference if not image or image in named(stages, reference) else image
    return base_image(f"FROM {image}")


def named(stages, reference):
    return {name for stage, name in stages if stage == reference and name}


def test_first_and_last_stage_are_the_same_runtime():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert last_stage(dockerfile) == base_image(dockerfile)


@pytest.mark.parametrize(
    ("stages", "image"),
    [
        ("FROM a:1\n", ("a", "1")),
        ("FROM a:1 AS base\nFROM base\n", ("a", "1")),
        ("FROM b:2 AS builder\nFROM a:1\nCOPY --from=builder /x /x\n", ("a", "1")),
        ("from a:1 as base\nFROM b:2 AS other\nFROM base AS last\n", ("a", "1")),
        ("FROM --platform=linux/amd64 a:1\n# FROM b:2\n", ("a", "1")),
    ],
)
def test_the_last_stage_is_found_through_names(stages, image):
    assert last_stage(stages) == image


def test_no_other_file_chooses_the_base():
    """A table [tool.astro] in pyproject.toml would make the CLI take runtime and packages from there."""
    tools = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]
    assert tools
    assert "astro" not in tools


def test_base_image_is_pinned():
    assert pinned_runtime((PROJECT / "Dockerfile").read_text()) == ("3.3-8", "3.12")


@pytest.mark.parametrize(
    "line",
    [
        "FROM astrocrpublic.azurecr.io/runtime",
        "FROM astrocrpublic.azurecr.io/runtime:latest",
        "FROM astrocrpublic.azurecr.io/runtime:3.3-8",
        "FROM astrocrpublic.azurecr.io/runtime:3.3-python-3.12",
        "FROM localhost:5000/runtime",
        "FROM apache/airflow:3.3-8-python-3.12",
        "# FROM astrocrpublic.azurecr.io/runtime:3.3-8-python-3.12",
    ],
)
def test_a_loose_base_image_shows(line):
    assert pinned_runtime(line) is None


def test_only_the_runtime_with_onbuild_installs_packages():
    name, tag = base_image((PROJECT / "Dockerfile").read_text())
    assert not tag.endswith("-base"), "the -base images copy and install nothing by themselves"
    assert name == "astrocrpublic.azurecr.io/runtime"


# The sample source's own image -------------------------------------------------------------------------


def image_problems(dockerfile):
    """What would let an image change with the day, or run as root."""
    lines = [line.split() for line in dockerfile.splitlines() if line.strip() and not line.startswith("#")]
    bases = [words[-1] for words in lines if words[0] == "FROM"]
    users = [words[1] for words in lines if words[0] == "USER"]
    found = [
        f"{base} is no exact version" for base in bases if not re.search(r":\d+\.\d+\.\d+[\w.-]*$", base)
    ]
    if not users or not re.fullmatch(r"[1-9]\d*(:\d+)?", users[-1]):
        found.append("the last USER is not a number other than 0")
    return found


def test_the_sources_image_is_pinned_and_unprivileged():
    assert image_problems((PROJECT / "services/wildfires_api/Dockerfile").read_text()) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("USER 10001", "USER root"),
        ("USER 10001", "USER 0"),
        ("USER 10001", ""),
        ("python:3.12.12-slim-bookworm", "python:3-slim"),
        ("python:3.12.12-slim-bookworm", "python"),
    ],
)
def test_a_loose_or_privileged_image_shows(right, wrong):
    text = (PROJECT / "services/wildfires_api/Dockerfile").read_text()
    assert right in text
    assert len(image_problems(text.replace(right, wrong))) == 1


# The report's own interpreters --------------------------------------------------------------------------


def test_the_image_makes_the_interpreters_that_the_report_looks_for():
    """The loop of the Dockerfile, run by a shell with stand-ins for python and pip."""
    text = (PROJECT / "Dockerfile").read_text().replace("\\\n", "")
    (command,) = (line.removeprefix("RUN ") for line in text.splitlines() if line.startswith("RUN "))
    fakes = 'python() { echo "venv $3"; }; env() { echo "install ${3%/bin/pip} ${*: -1}"; }; '
    shell = shutil.which("bash") or pytest.skip("needs bash")
    made = subprocess.run([shell, "-c", fakes + command], capture_output=True, text=True, check=True)
    assert made.stdout.splitlines() == [
        "venv .venv-astro-sdk",
        "install .venv-astro-sdk include/astro_sdk/requirements.lock",
        "venv .venv-dbt",
        "install .venv-dbt include/dbt/requirements.lock",
    ]


# Packages ----------------------------------------------------------------------------------------------


def refused(requirements):
    """Lines that the image's build, or the CLI before it, does not accept."""
    lines = [line.partition(" #")[0].strip() for line in requirements.splitlines()]
    return [
        line
        for line in lines
        if line
        and not line.startswith("#")
        and (
            re.match(r"apache-airflow(\[|[^-\w]|$)", line)
            or re.match(r"(-e|-r|-c|--)", line)
            or re.search(r"(^|@\s*|\s)(file:|\.{0,2}/)", line)
        )
    ]


def test_requirements_can_be_installed_in_the_image():
    assert refused((PROJECT / "requirements.txt").read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "apache-airflow==3.3.2",
        "apache-airflow[amazon]",
        "apache-airflow",
        "-e .",
        "-r other.txt",
        "./wheels/a.whl",
        "/opt/a.whl",
        "a @ file:///opt/a.whl",
        "../shared",
    ],
)
def test_a_refused_requirement_shows(line):
    assert refused(f"minio>=7\n{line}\n") == [line]


def test_providers_are_ranges_for_the_image_pins_versions_itself():
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    providers = [line for line in lines if line.startswith("apache-airflow-providers-")]
    assert providers
    assert [line for line in providers if "==" in line] == []


def test_locks_are_installed_as_they_are():
    """With hashes pip refuses what a package asks for with an extra, where the lock pins it without."""
    dockerfile = re.sub(r"\\\n\s*", "", (PROJECT / "Dockerfile").read_text())
    installs = [line for line in dockerfile.splitlines() if "install" in line and ".lock" in line]
    assert installs
    assert all("--require-hashes" in line and "--no-deps" in line for line in installs)


def test_system_packages():
    packages = (PROJECT / "packages.txt").read_text().split()
    assert "curl" in packages, "the DAGs count rows with curl"
    assert [name for name in packages if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", name)] == []


# The CLI's own files -----------------------------------------------------------------------------------


def test_cli_configuration():
    config = yaml.safe_load((PROJECT / ".astro" / "config.yaml").read_text())
    assert config["project"]["name"] == "wildfire-lake"
    assert config["disable_astro_run"] is True
    assert re.fullmatch(r"1[4-7]\.\d+", config["postgres"]["tag"]), (
        "a quoted string, and no 18: see the comment there"
    )


def test_the_repository_keeps_settings_and_leaves_out_secrets():
    names = {path.as_posix() for path in repository_files()}
    assert {
        "airflow_settings.yaml",
        ".env.example",
        ".astro/config.yaml",
        ".astro/dag_integrity_exceptions.txt",
    } <= names
    assert not names & {".env", "airflow.cfg", "airflow.db", "astro"}
    ignored = (PROJECT / ".gitignore").read_text().splitlines()
    assert {
        ".env",
        "astro",
        ".venv/",
        ".venv-make/",
        ".stack/",
        ".astro/standalone/",
        "airflow.cfg",
        "airflow.db",
    } <= set(ignored)
    assert "airflow_settings.yaml" not in ignored
