"""The exported script for Astro: what it would have the CLI do."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.deploy.astro_cli import connection_of, run_astro
from tests.unit.deploy.conftest import GIVEN, PASSWORD

pytest.importorskip("services.deploy.export", reason="needs services/, which the Astro image does not carry")


@pytest.mark.parametrize("exists", [False, True])
def test_astro_commands_create_or_update_everything(exported, pools, tmp_path, exists):
    status, _, calls = run_astro(exported, tmp_path, "dep-1", **({"exists": "1"} if exists else {}))
    assert status == 0
    last = "update" if exists else "create"
    connections = {
        options["--key"]: connection_of(options, piped)
        for command, options, piped in calls
        if command == f"env connection {last}"
    }
    assert connections == GIVEN
    made = {
        options["--name"]: (int(options["--slots"]), options["--description"])
        for command, options, _ in calls
        if command == f"deployment pool {last}"
    }
    assert made == pools
    assert {options["--deployment-id"] for _, options, _ in calls} == {"dep-1"}
    assert PASSWORD not in str([options for _, options, _ in calls])


def test_the_astro_script_is_clean_and_needs_a_deployment(exported, tmp_path):
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("needs shellcheck")
    # Not what it only informs of: passwords stay as they are between single quotes, and so they must.
    command = [shellcheck, "--severity=warning", exported / "astro.sh"]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    status, error, calls = run_astro(exported, tmp_path)
    assert status != 0
    assert "Deployment's id" in error
    assert calls == []
