"""A real S3 server for tests: SeaweedFS on 127.0.0.1, its data in a folder of the test run."""

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from services.local.ports import free_port
from services.local.seaweedfs import Seaweed

if TYPE_CHECKING:
    from minio import Minio

START_SECONDS = 60
# Real buckets are made by the tests, each its own; the server wants at least one to begin with.
FIRST_BUCKET = "made-at-start"


@dataclass
class Store:
    """A running store. ``endpoint`` has its scheme: ``http://127.0.0.1:12345``."""

    home: Path
    access_key: str = "test-access-key"
    secret_key: str = "test-secret-key"
    seaweed: Seaweed = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        data = self.home / "data"
        data.mkdir(parents=True, exist_ok=True)
        self.seaweed = Seaweed(data, free_port(), self.access_key, self.secret_key, (FIRST_BUCKET,))

    @property
    def endpoint(self) -> str:
        return self.seaweed.endpoint

    def client(self) -> "Minio":
        """A minio client with the store's keys that gives up soon."""
        return self.seaweed.client()

    def start(self) -> None:
        """Return when the store answers; RuntimeError with the end of its log if it does not."""
        log = self.home / "seaweedfs.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.seaweed.command(),
                env=os.environ | self.seaweed.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.home,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.seaweed.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
                raise RuntimeError(
                    f"SeaweedFS did not start within {START_SECONDS} s. The end of its log:\n{tail}"
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server; its data is a test's and needs no farewell."""
        self.process.kill()
        self.process.wait()
        self.seaweed.remove_sockets()

    def __enter__(self) -> "Store":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
