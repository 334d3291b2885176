"""From a URL to a verified copy, by the two commands of docs/your-api.md."""

import os
import re
import subprocess

import pytest

from services.local.ports import Ports
from tests.project_files import PROJECT

DOC = (PROJECT / "docs/your-api.md").read_text()
COMMANDS = re.search(r"## From its URL\n\n```sh\n(.*?)```", DOC, re.DOTALL)[1].splitlines()


@pytest.fixture
def environment(tmp_path):
    """A stack of one's own, on ports that nobody else has."""
    free = Ports.free()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "MAKE", "MFLAGS", "PYTEST"))}
    return kept | {
        "STACK_HOME": str(tmp_path / "stack"),
        "AIRFLOW_PORT": str(free.airflow),
        "API_PORT": str(free.api),
        "S3_PORT": str(free.s3),
        "S3_ADMIN_PORT": str(free.s3_admin),
        "POSTGRES_PORT": str(free.postgres),
    }


def test_two_commands(source, tmp_path, environment):
    shape = {"rows_path": "/v2/fires", "rows_key": "items", "total_key": "total", "largest_limit": 100}
    served = source(lambda n: {"id": n, "name": f"näme {n}"}, count=1_234, **shape)
    for command in COMMANDS:
        line = command.replace("https://api.example.com", served.url)
        line = line.replace("fires.json", str(tmp_path / "fires.json"))
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        assert "1,234" in done.stdout
    assert "Verified" in done.stdout
