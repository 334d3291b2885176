"""The stand-in for curl says what curl says, to the one command that uses it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from services.stack.curl import provide
from tests.servers.faults import Fault

OPTIONS = "--fail --silent --show-error --location --max-redirs 5 --max-time 60 --dump-header -"


@pytest.fixture(params=["curl", "stand-in"])
def program(request, tmp_path, monkeypatch) -> str:
    """Both programs take the same tests; the real one only where it is installed."""
    if request.param == "curl":
        return shutil.which("curl") or pytest.skip("this machine has no curl to compare with")
    with monkeypatch.context() as empty:
        empty.setenv("PATH", str(tmp_path))
        return str(Path(provide(tmp_path / "bin") or "") / "curl")


def ask(program: str, url: str, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run([program, *OPTIONS.split(), *more, url], capture_output=True, text=True, timeout=60)


def test_headers_then_body(program, source, tmp_path):
    served = source([{"a": 1}], version='"v7"', bearer="a-token")
    config = tmp_path / "config"
    config.write_text('header = "Authorization: Bearer a-token"\nheader = "Accept: application/json"\n')
    done = ask(program, f"{served.url}/api/count", "--config", str(config))

    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    assert (done.returncode, body.strip()) == (0, "1")
    assert head.startswith("HTTP/1.1 200")
    assert 'etag: "v7"' in head.lower()


def test_a_body_that_nobody_needs_is_not_printed(program, source):
    done = ask(program, f"{source([{'a': 1}]).url}/api/count", "--output", "/dev/null")
    assert done.returncode == 0
    assert done.stdout.replace("\r\n", "\n").endswith("\n\n")


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.status(404), 22), (Fault.status(500), 22), (Fault.redirect(), 47)]
)
def test_what_goes_wrong_has_curls_code(program, source, fault, code):
    served = source([{"a": 1}])
    served.fault(fault, times=None, when=lambda request: True)
    done = ask(program, f"{served.url}/api/count")
    assert done.returncode == code
    assert f"curl: ({code})" in done.stderr


def test_nobody_listening_is_code_7(program):
    assert ask(program, "http://127.0.0.1:9/").returncode == 7


def test_a_status_that_passes_is_asked_again(program, source):
    served = source([{"a": 1}])
    served.fault(Fault.status(503, Retry_After="0"), when=lambda request: True)
    done = ask(program, f"{served.url}/api/count", "--retry", "2", "--retry-connrefused")
    assert done.returncode == 0
    assert [request.status for request in served.requests] == [503, 200]


def test_an_hour_of_retry_after_is_not_waited_for(program, source):
    served = source([{"a": 1}])
    served.fault(Fault.status(503, Retry_After="3600"), times=None, when=lambda request: True)
    assert ask(program, f"{served.url}/api/count", "--retry", "1", "--retry-max-time", "1").returncode == 22


def test_a_machine_with_curl_keeps_its_own(tmp_path, monkeypatch):
    own = tmp_path / "curl"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provide(tmp_path / "bin") is None
    assert not (tmp_path / "bin").exists()
