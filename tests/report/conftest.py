"""The report's steps against a real store and a real warehouse, in the interpreters that really run them."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.airflow_home import PROJECT
from tests.servers.seaweedfs import Store
from tests.servers.warehouse import Warehouse

SDK = PROJECT / ".venv-astro-sdk" / "bin" / "python"


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """One PostgreSQL for the whole run."""
    with Warehouse(tmp_path_factory.mktemp("warehouse")) as running:
        yield running


@dataclass
class Sdk:
    """The interpreter of the Astro SDK; `log` is all that it has printed."""

    process: subprocess.Popen[str]
    output: Path
    environment: dict[str, str] = field(default_factory=dict)

    def call(self, module: str, function: str, **arguments: Any) -> Any:
        """What the function returned; AssertionError if it raised."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        call = {
            "module": module,
            "function": function,
            "arguments": arguments,
            "environment": self.environment,
        }
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line.startswith("answer "), f"the interpreter ended:\n{self.log[-3000:]}"
        answer = json.loads(line.removeprefix("answer "))
        assert "raised" not in answer, f"{answer}\n{self.log[-3000:]}"
        return answer["result"]

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")


@pytest.fixture(scope="session")
def sdk_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    if not SDK.exists():
        pytest.skip("needs .venv-astro-sdk, which `make test-all` makes")
    home = tmp_path_factory.mktemp("sdk")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(PROJECT),
    }
    output = home / "log"
    with (
        output.open("w") as log,
        subprocess.Popen(
            [SDK, Path(__file__).with_name("worker.py")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        yield Sdk(process, output)
        process.stdin.close()
        process.wait()


@pytest.fixture
def sdk(sdk_process: Sdk, store: Store, warehouse: Warehouse) -> Sdk:
    """The SDK's interpreter with the connections of this run's store and warehouse."""
    extra = {"endpoint_url": store.endpoint, "region_name": "us-east-1"}
    lake = {"conn_type": "aws", "login": store.access_key, "password": store.secret_key, "extra": extra}
    sdk_process.environment = {
        "AIRFLOW_CONN_LOCALS3": json.dumps(lake),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps(warehouse.connection),
    }
    return sdk_process


@dataclass
class Run:
    """A committed run in a bucket of its own, as the copy writes it."""

    client: Any
    bucket: str
    manifest: dict[str, Any]

    @property
    def folder(self) -> str:
        return f"{self.manifest['dataset']}/{self.manifest['run']}"

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.folder}/_manifest.json"

    def put(self, name: str, content: bytes) -> None:
        import io

        self.client.put_object(self.bucket, f"{self.folder}/{name}", io.BytesIO(content), len(content))

    def get(self, name: str) -> bytes:
        response = self.client.get_object(self.bucket, f"{self.folder}/{name}")
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    def replace(self, number: int, content: bytes) -> None:
        """Put other bytes under a receipt's key, and let the manifest vouch for them: what no hash finds."""
        import hashlib

        receipt = self.manifest["receipts"][number]
        self.put(receipt["key"].rpartition("/")[2], content)
        self.manifest["bytes"] += len(content) - receipt["bytes"]
        receipt["bytes"], receipt["sha256"] = len(content), hashlib.sha256(content).hexdigest()
        self.commit()

    def commit(self) -> None:
        self.put("_manifest.json", json.dumps(self.manifest).encode())


@pytest.fixture
def commit(store: Store, bucket_name: str) -> Callable[..., Run]:
    """Commit rows as the copy does, through its own encoder; gives the run."""

    def write(
        rows: Sequence[dict[str, Any]],
        batch: int = 1000,
        run: str = "20260101T000000-00000000",
        dataset: str = "wildfires_small",
        **settings: str,
    ) -> Run:
        return committed(store.client(), bucket_name, rows, batch, run, dataset, settings)

    return write


def committed(
    client: Any,
    bucket_name: str,
    rows: Sequence[dict[str, Any]],
    batch: int,
    run: str,
    dataset_name: str,
    settings: dict[str, str],
) -> Run:
    from include.transfer.batches import plan_batches
    from include.transfer.commit.manifest import Manifest
    from include.transfer.commit.publish import publish
    from include.transfer.commit.receipt import Receipt
    from include.transfer.commit.standing import read_standing
    from include.transfer.dataset import Dataset
    from include.transfer.formats import encode
    from include.transfer.schema.columns import Columns
    from include.transfer.source.blocks import Block
    from include.transfer.source.count import Count
    from include.transfer.store.bucket import Bucket
    from include.transfer.store.keys import Prefix
    from include.wildfires import WILDFIRES

    dataset = Dataset.from_dict(WILDFIRES.to_dict(), {"name": dataset_name, **settings})
    bucket, prefix = Bucket(client, bucket_name), Prefix(dataset_name, run)
    batches, receipts = plan_batches(len(rows), batch, 1000), []
    for each in batches:
        columns = Columns(dataset.types)
        block = Block(list(rows[each.start : each.stop]))
        pieces = encode([block], columns, dataset.format, dataset.compression)
        stored = bucket.put_stream(f"{prefix}data_from_{each.start}{dataset.suffix}", pieces)
        receipt = Receipt(
            key=stored.key,
            start=each.start,
            rows=columns.rows,
            bytes=stored.bytes,
            sha256=stored.sha256,
            etag=stored.etag,
            columns=list(columns.names),
            source_version="v1",
            reused=False,
            seconds=0.1,
            peak_rss_mb=1.0,
            types=columns.types if dataset.format == "parquet" else {},
            fingerprint=dataset.fingerprint,
        )
        bucket.put_json(prefix.receipt(each), receipt.to_dict())
        receipts.append(receipt)
    manifest = Manifest(
        prefix=prefix,
        url="http://x",
        source=Count(len(rows), "v1"),
        format=dataset.format,
        compression=dataset.compression,
        batch_size=batch,
        columns=list(dataset.types),
        types=dict(dataset.types),
        fingerprint=dataset.fingerprint,
        receipts=receipts,
    )
    published = publish(bucket, manifest, read_standing(bucket, prefix))
    return Run(client, bucket_name, published.to_dict())


@pytest.fixture
def load(sdk):
    """Load a run; gives what the step answered."""

    def call(run, **arguments):
        given = {"manifest": run.uri, "warehouse": "warehouse"} | arguments
        return sdk.call("include.astro_sdk.load_run", "load", **given)

    return call


@pytest.fixture(autouse=True)
def empty_warehouse(warehouse):
    for name in ("wildfires_small", "wildfires", "wildfires_by_month"):
        warehouse.query(f"DROP SCHEMA IF EXISTS {name} CASCADE")
