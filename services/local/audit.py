"""Known vulnerabilities of the locked packages, by pip-audit: `python -m services.local.audit`.

pip-audit takes an index without advisories for one without vulnerabilities. So it is asked first for a
release that is known to have some: only where it finds them does its silence on the locks mean anything.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.local.home import PROJECT

KNOWN_TO_BE_VULNERABLE = "requests==2.19.0"  # CVE-2018-18074 among others
SECONDS = 300
LOCK = PROJECT / "requirements/test.lock"  # holds all of run.lock, too

Ask = Callable[[Path], "list[dict[str, Any]] | None"]


def audited(requirements: Path) -> list[dict[str, Any]] | None:
    """pip-audit's record of every package of the file; None where it could not ask."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements)]
    options = ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
    try:
        done = subprocess.run([*command, *options], capture_output=True, timeout=SECONDS, check=False)
        return json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None


def reachable(ask: Ask) -> bool:
    """Whether the index that is set up here knows advisories."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(f"{KNOWN_TO_BE_VULNERABLE}\n")
        found = ask(file)
    return bool(found and found[0].get("vulns"))


def main(ask: Ask = audited) -> int:
    """0: no known vulnerability, or nobody to ask, which is said; 1: there are some."""
    if not reachable(ask):
        print("packages: NOT audited: no advisories can be reached from this machine")
        return 0
    found = ask(LOCK)
    if found is None:
        print("packages: NOT audited: pip-audit failed on the lock")
        return 1
    skipped = sum(1 for package in found if "skip_reason" in package)
    for package in found:
        for advisory in package.get("vulns", []):
            fixed = ", ".join(advisory["fix_versions"]) or "no release yet"
            print(f"{package['name']} {package['version']}: {advisory['id']}, fixed in {fixed}")
    wrong = sum(1 for package in found if package.get("vulns"))
    print(f"packages: {len(found) - skipped} audited, {skipped} unknown to the index, {wrong} vulnerable")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
