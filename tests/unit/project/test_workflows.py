"""The workflows run the project's own doors, on least rights and for a limited time.

`make check` checks their form and safety (check-jsonschema, zizmor), and CI their expressions (actionlint).
"""

import re

import pytest
import yaml

from tests.project_files import PROJECT, needs_the_repository

pytestmark = needs_the_repository

FOLDER = PROJECT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def targets():
    return set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def problems(text):
    """What a reviewer would send back."""
    workflow = yaml.safe_load(text)
    found = [line.strip() for line in text.splitlines() if "uses:" in line and not PINNED.search(line)]
    if workflow.get("permissions") != {}:
        found.append("rights are not taken away at the top")
    if not workflow.get("concurrency", {}).get("group"):
        found.append("two runs of one branch would run side by side")
    for name, job in workflow["jobs"].items():
        if job.get("permissions") != {"contents": "read"}:
            found.append(f"{name} may do more than read the repository, or is not said to")
        if not 0 < job.get("timeout-minutes", 0) <= 120:
            found.append(f"{name} has no limit of time, or one that limits nothing")
        if not re.fullmatch(r"ubuntu-\d\d\.04", job["runs-on"]):
            found.append(f"{name} runs on a machine that changes by itself")
        if job.get("continue-on-error"):
            found.append(f"{name} cannot fail")
        for step in job["steps"]:
            found += problems_of_a_step(step)
    return found


def problems_of_a_step(step):
    run = step.get("run", "")
    found = [
        f"no make {target}" for target in re.findall(r"\bmake ([a-z][\w-]*)", run) if target not in targets()
    ]
    found += [
        f"{path} is missing" for path in re.findall(r"\bsh ([\w./-]+)", run) if not (PROJECT / path).exists()
    ]
    if step.get("continue-on-error") or "|| true" in run:
        found.append("a step cannot fail")
    if "checkout" in step.get("uses", "") and step.get("with", {}).get("persist-credentials") is not False:
        found.append("the checkout leaves a token behind")
    if "${{" in run:
        found.append("an expression is pasted into a script")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_workflow(file):
    assert problems(file.read_text()) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("ci", "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "actions/checkout@v6"),
        ("ci", "permissions: {}", "permissions: write-all"),
        ("ci", "contents: read", "contents: write"),
        ("ci", "    timeout-minutes: 60\n", ""),
        ("ci", "concurrency:", "x-concurrency:"),
        ("ci", "run: sh .ci/run", "run: sh .ci/runs"),
        ("ci", "make image-test\n        run: make image-test", "x\n        run: make image-tset"),
        ("ci", "run: sh .ci/run", "run: sh .ci/run || true"),
        ("ci", "ubuntu-24.04", "ubuntu-latest"),
        ("ci", "persist-credentials: false", "persist-credentials: true"),
        ("chaos", "run: make chaos", "run: make chaos ROUNDS=${{ inputs.rounds }}"),
        ("kubernetes", "timeout-minutes: 60", "timeout-minutes: 60\n    continue-on-error: true"),
    ],
)
def test_a_mistake_shows(file, right, wrong):
    text = (FOLDER / f"{file}.yml").read_text()
    assert right in text
    assert problems(text.replace(right, wrong, 1))


def steps(name, job):
    return [
        step.get("run", "")
        for step in yaml.safe_load((FOLDER / f"{name}.yml").read_text())["jobs"][job]["steps"]
    ]


def test_ci_is_what_anybody_can_run():
    assert "sh .ci/run" in steps("ci", "test")
    assert "make -k check test" in (PROJECT / ".ci" / "run").read_text()
    assert "make image-test" in steps("ci", "image")
    assert any("actionlint" in run for run in steps("ci", "workflows"))


def test_the_cluster_is_made_checked_and_removed_in_that_order():
    runs = [run.removeprefix("make ") for run in steps("kubernetes", "kind") if run.startswith("make k8s")]
    assert runs == ["k8s-up", "k8s-up", "k8s-status", "k8s-check", "k8s-logs", "k8s-down"]
    workflow = yaml.safe_load((FOLDER / "kubernetes.yml").read_text())
    always = [step["run"] for step in workflow["jobs"]["kind"]["steps"] if step.get("if") == "always()"]
    assert always == ["make k8s-logs", "make k8s-down"]
