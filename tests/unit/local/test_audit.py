"""The audit of the packages: it fails on a vulnerability, and never calls silence a clean bill."""

import pytest

from services.local import audit

KNOWN = {"name": "requests", "version": "2.19.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.20"]}]}
CLEAN = {"name": "x", "version": "1", "vulns": []}
UNKNOWN = {"name": "y", "skip_reason": "not found"}


def answers(probe, lock):
    return lambda file: lock if file == audit.LOCK else probe


@pytest.mark.parametrize("probe", [None, [], [UNKNOWN], [{**KNOWN, "vulns": []}]])
def test_where_nobody_can_be_asked_it_says_so(probe, capsys):
    assert audit.main(answers(probe, [CLEAN])) == 0
    assert "NOT audited" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lock", "status", "says"),
    [
        ([CLEAN, UNKNOWN], 0, "1 audited, 1 unknown to the index, 0 vulnerable"),
        ([CLEAN, KNOWN], 1, "requests 2.19.0: CVE-1, fixed in 2.20"),
        (None, 1, "NOT audited: pip-audit failed"),
    ],
)
def test_what_the_lock_holds(lock, status, says, capsys):
    assert audit.main(answers([KNOWN], lock)) == status
    assert says in capsys.readouterr().out


def test_a_file_that_pip_audit_cannot_read(tmp_path):
    pytest.importorskip("pip_audit")
    assert audit.audited(tmp_path / "missing.txt") is None
