"""The stack's folder: private secrets, one command at a time."""

import json
import os
import shutil
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


def test_a_link_in_place_of_a_temporary_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = Home(tmp_path / ("long" * 30))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    home.socket.parent.symlink_to(elsewhere)
    with pytest.raises(StackError, match="TMPDIR"):
        home.prepare()


def test_a_temporary_folder_that_others_may_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = Home(tmp_path / ("long" * 30))
    home.socket.parent.mkdir()
    home.socket.parent.chmod(0o777)
    with pytest.raises(StackError, match="TMPDIR"):
        home.prepare()


def make_clean(folder: Path) -> None:
    # Without the project's interpreter and caches, so that this copy's own are not removed.
    command = ["make", "-f", str(PROJECT / "Makefile"), "clean"]
    subprocess.run(
        command,
        cwd=folder.parent,
        env=os.environ | {"STACK_HOME": str(folder)},
        check=True,
        capture_output=True,
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_clean_removes_the_stacks_folder_and_no_other(tmp_path: Path, home: Home) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "kept").touch()
    Home(photos).prepare()  # even if a stack has been in it
    make_clean(photos)
    assert (photos / "kept").exists()
    link = tmp_path / "link"
    link.symlink_to(home.root)
    make_clean(link)
    assert home.root.exists()
    make_clean(home.root)
    assert not home.root.exists()
