"""The stack's folder: private secrets, one command at a time."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.errors import Busy, StackError
from services.local.home import LONGEST_SOCKET_PATH, PROJECT, Credentials, Home, only_command

HOLD = """
import sys
from pathlib import Path
from services.local.home import Home, only_command
with only_command(Home(Path(sys.argv[1])), "run"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_secrets_are_readable_by_their_owner_alone(home: Home) -> None:
    old = os.umask(0)
    try:
        Credentials.load(home)
    finally:
        os.umask(old)
    assert stat.S_IMODE((home.root / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_secrets_stay_the_same_and_no_two_are_alike(home: Home) -> None:
    first = Credentials.load(home)
    assert Credentials.load(home) == first
    assert len(set(vars(first).values())) == len(vars(first))


def test_damaged_secrets_are_made_anew(home: Home) -> None:
    (home.root / "secrets.json").write_text('{"s3_access')
    assert Credentials.load(home) == Credentials.load(home)


def test_a_secret_that_a_newer_version_needs_is_added_and_the_others_stay(home: Home) -> None:
    first = Credentials.load(home)
    older = {name: value for name, value in vars(first).items() if name != "valkey_password"}
    (home.root / "secrets.json").write_text(json.dumps(older))
    second = Credentials.load(home)
    assert {name: vars(second)[name] for name in older} == older
    assert second.valkey_password not in ("", first.valkey_password)
    assert Credentials.load(home) == second


def test_a_second_command_is_told_which_one_is_at_work(home: Home) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.root)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=rf"make run \(pid {other.pid}\)"), only_command(home, "up"):
            pytest.fail("two commands hold one home")
        other.kill()
    with only_command(home, "up"):
        pass  # what a killed command held is free


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long" * 30))
    home.prepare()
    assert len(os.fsencode(home.socket)) <= LONGEST_SOCKET_PATH
    assert home.socket.parent.is_dir()
    home.socket.parent.rmdir()


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="STACK_HOME="):
        Home(tmp_path / "file" / "stack").prepare()


def test_too_little_space_is_explained(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.local.home.FREE_BYTES", 10**18)
    with pytest.raises(StackError, match="are free on the disk"):
        home.prepare()
