"""The stand-in for curl says what curl says, to the one command that uses it."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.local.curl import provide
from tests.servers.faults import Fault

TIMES = "--silent --show-error --connect-timeout 5 --max-time 10 --max-filesize 1000"
ASKING_AGAIN = ("--retry", "2", "--retry-all-errors", "--retry-max-time", "20")


@pytest.fixture(params=["curl", "stand-in"])
def program(request, tmp_path, monkeypatch) -> str:
    """Both programs take the same tests; the real one only where it is installed."""
    if request.param == "curl":
        return shutil.which("curl") or pytest.skip("this machine has no curl to compare with")
    with monkeypatch.context() as empty:
        empty.setenv("PATH", str(tmp_path))
        return str(Path(provide(tmp_path / "bin") or "") / "curl")


@dataclass
class Asked:
    code: int
    said: str
    wrote: str
    head: str
    body: str


@pytest.fixture
def ask(program, tmp_path) -> Callable[..., Asked]:
    def run(url: str, *more: str, headers: tuple[str, ...] = ()) -> Asked:
        lines = [f'url = "{url}"', *(f'header = "{header}"' for header in headers)]
        (tmp_path / "config").write_text("\n".join(lines))
        files = {name: tmp_path / name for name in ("head", "body")}
        places = ["--config", tmp_path / "config", "--dump-header", files["head"], "--output", files["body"]]
        command = [program, *TIMES.split(), *places, "--write-out", "%{redirect_url}", *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        head, body = (file.read_text() if file.exists() else "" for file in files.values())
        return Asked(done.returncode, done.stderr, done.stdout, head.replace("\r\n", "\n"), body)

    return run


def test_headers_and_body(ask, source):
    served = source([{"a": 1}], version='"v7"', bearer="a-token")
    asked = ask(f"{served.url}/api/count", headers=("Authorization: Bearer a-token",))
    assert (asked.code, asked.body, asked.wrote) == (0, "1", "")
    assert asked.head.startswith("HTTP/1.1 200")
    assert 'etag: "v7"' in asked.head.lower()


@pytest.mark.parametrize("status", [404, 500])
def test_a_status_is_no_failure(ask, source, status):
    served = source([]).fault(Fault.status(status), times=None, when=lambda request: True)
    asked = ask(f"{served.url}/api/count")
    assert (asked.code, f"HTTP/1.1 {status}" in asked.head) == (0, True)


@pytest.mark.parametrize(("to", "becomes"), [("/b?c=1", "{url}/b?c=1"), ("https://else/", "https://else/")])
def test_a_redirect_is_told_and_not_followed(ask, source, to, becomes):
    served = source([]).fault(Fault.redirect(to), when=lambda request: True)
    asked = ask(f"{served.url}/api/count")
    assert (asked.code, asked.wrote) == (0, becomes.format(url=served.url))
    assert len(served.requests) == 1


def test_nobody_listening_is_code_7(ask):
    asked = ask("http://127.0.0.1:9/")
    assert (asked.code, "curl: (7)" in asked.said) == (7, True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(503, "a page in place of a count", Retry_After="0"),
        Fault.status(429),
        Fault.reset(),
        Fault.cut(1, "close"),
        Fault.wrong_length(5),
        Fault.cut(1),
    ],
    ids=["503", "429", "reset", "cut", "length", "reset-in-body"],
)
def test_what_passes_is_asked_again(ask, source, fault):
    served = source([{"a": 1}] * 100).fault(fault, when=lambda request: True)
    asked = ask(f"{served.url}/api/count", *ASKING_AGAIN)
    assert (asked.code, asked.body) == (0, "100")
    assert len(served.requests) == 2


@pytest.mark.parametrize(("fault", "codes"), [(Fault.reset(), {52, 56}), (Fault.wrong_length(5), {18})])
def test_what_does_not_pass_has_curls_code(ask, source, fault, codes):
    served = source([{"a": 1}]).fault(fault, times=None, when=lambda request: True)
    asked = ask(f"{served.url}/api/count")
    assert asked.code in codes
    assert f"curl: ({asked.code})" in asked.said


def test_a_wrong_path_is_asked_for_once(ask, source):
    served = source([]).fault(Fault.status(404), times=None, when=lambda request: True)
    assert "404" in ask(f"{served.url}/api/count", *ASKING_AGAIN).head
    assert len(served.requests) == 1


def test_an_hour_of_retry_after_is_not_waited_for(ask, source):
    served = source([]).fault(Fault.status(503, Retry_After="3600"), times=None, when=lambda request: True)
    assert "503" in ask(f"{served.url}/api/count", *ASKING_AGAIN).head
    assert len(served.requests) == 1


def test_an_answer_that_is_no_count_is_not_taken_whole(ask, source):
    served = source([{"text": "x" * 100}] * 50, framing="length")
    assert ask(f"{served.url}/api/get").code == 63


def test_a_machine_with_curl_keeps_its_own(tmp_path, monkeypatch):
    own = tmp_path / "curl"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provide(tmp_path / "bin") is None
    assert not (tmp_path / "bin").exists()
