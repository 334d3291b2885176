"""The exported script for Astro: what it would have the CLI do."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.deploy.astro_cli import connection_of, run_astro
from tests.unit.deploy.conftest import GIVEN, PASSWORD

pytest.importorskip("services.deploy.export", reason="needs services/, which the Astro image does not carry")


@pytest.mark.parametrize(
    "existing", [[], [*GIVEN, "copies_small", "copies_large"], ["locals3", "copies_small"]]
)
def test_connections_are_created_or_updated_and_missing_pools_created(exported, pools, tmp_path, existing):
    status, error, calls = run_astro(exported, tmp_path, "dep-1", existing=existing)
    assert (status, [line for line in error.splitlines() if line != "Error: it exists"]) == (0, [])
    connections = {
        options["--key"]: connection_of(options, piped)
        for command, options, piped in calls
        if command == f"env connection {'update' if options.get('--key') in existing else 'create'}"
    }
    assert connections == GIVEN
    made = {
        options["--name"]: (int(options["--slots"]), options["--description"])
        for command, options, _ in calls
        if command == "deployment pool create"
    }
    assert made == {name: pool for name, pool in pools.items() if name not in existing}
    assert {options["--deployment-id"] for _, options, _ in calls} == {"dep-1"}
    assert "deployment pool update" not in {command for command, _, _ in calls}
    assert PASSWORD not in str([options for _, options, _ in calls])


def test_a_pool_whose_name_only_resembles_a_wanted_one_does_not_count(exported, pools, tmp_path):
    _, _, calls = run_astro(exported, tmp_path, "dep-1", existing=["copies_small_2", "my_copies_large"])
    assert [command for command, _, _ in calls].count("deployment pool create") == len(pools)


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
