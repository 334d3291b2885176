"""The layers hold: who may import what, how long a file may be, what no file may say."""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from tests.project_files import PROJECT, needs_the_repository, repository_files

pytestmark = needs_the_repository

KNOWS_AIRFLOW = Path("include/tasks")
DAG_LINES, MODULE_LINES, TEST_LINES = 60, 250, 400


def python_files(*folders):
    return [
        path
        for path in repository_files()
        if path.suffix == ".py" and (not folders or path.parts[0] in folders)
    ]


def source_of(path):
    return (PROJECT / path).read_text()


# Imports -----------------------------------------------------------------------------------------------


def imports(source):
    """Names of all modules that a source imports anywhere, also by importlib and the like."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__", "import_string", "find_spec"}:
                names.add(str(node.args[0].value))
    return names


def forbidden_imports(path, source):
    """Which imports a file of include/ may not have."""
    if path.parts[0] != "include" or KNOWS_AIRFLOW in path.parents:
        return set()
    forbidden = {"airflow"}
    if "transfer" in path.parts:
        forbidden |= {"include.tasks", "include.report", "dags", "services"}
    return {name for name in imports(source) if any(name == f or name.startswith(f"{f}.") for f in forbidden)}


def test_only_one_folder_of_include_knows_airflow():
    files = python_files("include")
    assert files
    assert {path: found for path in files if (found := forbidden_imports(path, source_of(path)))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import airflow",
        "import airflow.sdk as sdk",
        "from airflow.sdk import task",
        "from airflow.providers.http.hooks.http import HttpHook",
        "def f():\n    from airflow import settings",
        "import importlib\nimportlib.import_module('airflow.sdk')",
        "__import__('airflow')",
        "from include.tasks import context",
        "from include.tasks.connections import open_api",
        "from include.tasks.copying import copy",
    ],
)
def test_a_forbidden_import_shows(line):
    assert forbidden_imports(Path("include/transfer/copy.py"), line)
    assert not forbidden_imports(Path("include/tasks/copying.py"), line)


def test_airflow_is_not_loaded_by_importing_the_work():
    modules = [path.with_suffix("") for path in python_files("include") if "transfer" in path.parts]
    names = [".".join(path.parts).removesuffix(".__init__") for path in modules]
    script = f"import importlib, sys, json\nfor name in {names!r}: importlib.import_module(name)\n"
    script += "print(json.dumps([name for name in sys.modules if name.partition('.')[0] == 'airflow']))"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == []


# Sizes and names ---------------------------------------------------------------------------------------


def code_lines(source):
    """Number of lines with code: neither empty, nor comment, nor docstring."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    ignored = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in ignored:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def test_code_lines_are_counted_without_prose():
    prose = '"""Two\nlines."""\n\n# a comment\n'
    source = prose + 'import os  # more\n\n\ndef f():\n    """One."""\n    return (\n        os\n    )\n'
    assert code_lines(source) == 5


def test_a_dag_file_is_a_table_of_contents():
    dags = [path for path in python_files("dags") if path.name != "__init__.py"]
    assert {path: n for path in dags if (n := code_lines(source_of(path))) > DAG_LINES} == {}
    assert [path for path in dags if not ast.get_docstring(ast.parse(source_of(path)))] == []


def test_no_module_is_long():
    lengths = {path: len(source_of(path).splitlines()) for path in python_files()}
    assert len(lengths) > 20
    assert {
        p: n for p, n in lengths.items() if n > (TEST_LINES if p.parts[0] == "tests" else MODULE_LINES)
    } == {}


def test_every_module_says_what_it_is_for():
    modules = [path for path in python_files() if source_of(path).strip()]
    assert [path for path in modules if not ast.get_docstring(ast.parse(source_of(path)))] == []


def test_no_module_is_a_drawer():
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [
        path for path in python_files() if drawers & {part.lower() for part in path.with_suffix("").parts}
    ] == []


# Words -------------------------------------------------------------------------------------------------

# Put together from parts, so that this file may be looked through as well.
UNWANTED = re.compile(
    "|".join(
        [
            r"\bpy" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"registry\.npm" + r"js",
            r"proxy\.golang" + r"\.org",
            r"arti" + r"factory",
            r"(?<![\w.~-])/wo" + r"rk/",
            r"/tmp/" + r"lab",
        ]
    ),
    re.IGNORECASE,
)


def unwanted(text):
    """Registry hosts and paths of one machine: those belong to nobody who clones."""
    return sorted({match[0] for match in UNWANTED.finditer(text)})


def test_no_file_names_a_registry_host_or_a_path_of_one_machine():
    found = {}
    for path in repository_files():
        content = (PROJECT / path).read_bytes()
        if b"\0" not in content and (words := unwanted(content.decode(errors="replace"))):
            found[path.as_posix()] = words
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://py" + "pi.org/simple",
        "https://files.python" + "hosted.org/a.whl",
        "cd /wo" + "rk/main",
    ],
)
def test_an_unwanted_word_shows(line):
    assert unwanted(line)
    assert not unwanted("from PyPI, in a network/work/flow")


# Lint --------------------------------------------------------------------------------------------------


def rules_broken(name, source):
    """Codes that ruff reports for a source, as if it stood in this project under that name."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--output-format=json",
        f"--stdin-filename={name}",
    ]
    run = subprocess.run(
        [*command, "-"], input=source, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert run.returncode in (0, 1), run.stderr
    return {finding["code"] for finding in json.loads(run.stdout)}


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [
        ("include/transfer/x.py", "from airflow.sdk import task\n\ntask()\n", "TID251"),
        ("include/transfer/dataset.py", "import airflow\n\nairflow.x()\n", "TID251"),
        ("dags/x.py", "import pandas\n\npandas.x()\n", "TID253"),
        ("dags/x.py", "from airflow.providers.http.hooks.http import HttpHook\n\nHttpHook()\n", "TID253"),
        ("include/tasks/copying.py", "import minio\n\nminio.x()\n", "TID253"),
        ("include/transfer/x.py", "print(1)\n", "T201"),
        ("dags/x.py", "print(1)\n", "T201"),
        ("include/transfer/x.py", "assert 1 == 1\n", "S101"),
    ],
)
def test_lint_fires(name, source, code):
    pytest.importorskip("ruff", reason="needs ruff")
    assert code in rules_broken(name, source)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("dags/x.py", "from airflow.sdk import task\n\ntask()\n"),
        ("include/tasks/copying.py", "from airflow.sdk import task\n\ntask()\n"),
        ("include/transfer/x.py", "import minio\n\nminio.x()\n"),
        ("dags/x.py", "def f():\n    import pandas\n\n    return pandas.x()\n"),
    ],
)
def test_lint_lets_the_right_places_pass(name, source):
    pytest.importorskip("ruff", reason="needs ruff")
    assert not rules_broken(name, source) & {"TID251", "TID253"}
