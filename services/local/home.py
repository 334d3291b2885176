"""Where the stack keeps its state, its generated secrets, and who owns it at the moment."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.local.errors import Busy, StackError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
FREE_BYTES = 2 * 1024**3
ELSEWHERE = "Free some space, or choose another folder with STACK_HOME=<folder>."
# The kernel allows 107 bytes; supervisord binds the name with its process id added first.
LONGEST_SOCKET_PATH = 90


class Home:
    """The folders and files below `root`, all made by `prepare()`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.s3 = root / "s3"
        self.postgres = root / "postgres"
        self.airflow = root / "airflow"
        self.logs = root / "logs"
        self.state_file = root / "state.json"

    @classmethod
    def from_environment(cls) -> Home:
        return cls(Path(os.environ.get("STACK_HOME") or PROJECT / ".stack").expanduser().absolute())

    @property
    def mark(self) -> Path:
        """There where the stack made the folder: `make clean` removes no other."""
        return self.root / "made-by-wildfire-lake"

    @property
    def socket(self) -> Path:
        """supervisord's control socket; in the temporary folder when `root` is too long for a socket."""
        inside = self.root / "supervisor.sock"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
            return inside
        name = f"wildfire-lake-{os.getuid()}-{sha256(os.fsencode(self.root)).hexdigest()[:12]}"
        return Path(tempfile.gettempdir()) / name / "supervisor.sock"

    @property
    def broker_socket(self) -> Path:
        return self.socket.with_name("valkey.sock")

    def prepare(self) -> None:
        """Make the folders, for their owner alone; StackError when that is impossible or space is short."""
        try:
            empty = not self.root.is_dir() or not any(self.root.iterdir())
            for folder in (self.root, self.data, self.s3, self.airflow, self.logs, self.socket.parent):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            free = shutil.disk_usage(self.root).free
        except OSError as error:
            raise StackError(
                f"Cannot write the stack's folder {self.root}: {error.strerror}. {ELSEWHERE}"
            ) from error
        if self.socket.parent != self.root:
            require_own_folder(self.socket.parent)
        if empty or (self.root / "secrets.json").exists():  # which an earlier release did not mark
            self.mark.touch()
        if free < FREE_BYTES:
            raise StackError(
                f"Only {free / 1e9:.1f} GB are free on the disk of {self.root}; the stack needs about 2 GB. "
                f"{ELSEWHERE}"
            )


@dataclass(frozen=True)
class Credentials:
    """Generated once, kept in `secrets.json` (mode 0600), never printed."""

    s3_access_key: str
    s3_secret_key: str
    s3_admin_password: str
    s3_signing_key: str
    airflow_password: str
    postgres_password: str
    valkey_password: str
    warehouse_password: str
    jwt_secret: str
    api_secret_key: str
    fernet_key: str

    @classmethod
    def generate(cls) -> Credentials:
        values = {field.name: secrets.token_urlsafe(24) for field in fields(cls)}
        values["jwt_secret"] = secrets.token_urlsafe(48)
        values["fernet_key"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        values["s3_access_key"] = secrets.token_hex(10).upper()
        return cls(**values)

    @classmethod
    def load(cls, home: Home) -> Credentials:
        """Those of the home; missing or damaged ones are generated, the others kept: servers know them."""
        path = home.root / "secrets.json"
        known = read_json(path)
        kept = {field.name: known[field.name] for field in fields(cls) if known.get(field.name)}
        found = replace(cls.generate(), **kept)
        if asdict(found) != known:
            write_private(path, json.dumps(asdict(found), indent=1))
        return found


def require_own_folder(path: Path) -> None:
    """StackError where others may have made `path`, or may write there; a link is none of ours either."""
    found = path.lstat()
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or writable:
        raise StackError(
            f"{path} is no folder of this user alone: remove it, or set TMPDIR to another folder."
        )


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step; only its owner can ever read it."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; {} when the file is missing or damaged (a command was killed)."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


@contextmanager
def only_command(home: Home, command: str) -> Iterator[None]:
    """Hold the home for one command that changes it; Busy when another one holds it.

    The kernel drops the lock with its process, however that ends, so nothing stale can remain.
    """
    path = home.root / "lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise Busy(
                f"Another command is using {home.root}: {file.read().strip() or 'just starting'}. "
                "Wait until it has ended, or end it (Ctrl-C there, or `kill` and that pid), "
                "or use another folder with STACK_HOME=<folder>."
            ) from error
        file.truncate(0)
        file.write(f"make {command} (pid {os.getpid()})")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
