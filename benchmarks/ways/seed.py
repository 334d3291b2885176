"""The teaching example's way: the whole body, the whole table, a whole file, then one upload."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from benchmarks.ways.measured import Job, Move, measure

if TYPE_CHECKING:
    import pandas
    import requests
    from minio import Minio


def transfer(
    session: requests.Session, url: str, client: Minio, bucket: str, key: str, batch: dict[str, Any]
) -> str:
    """Copy `batch` (start, limit, format) from `url` to the object `key`; returns the key."""
    import pandas

    response = session.get(f"{url}/api/get", params={"start": batch["start"], "limit": batch["limit"]})
    response.raise_for_status()
    frame = pandas.DataFrame.from_records(response.json())
    with tempfile.NamedTemporaryFile("w+b") as file:
        _write(frame, file.name, batch["format"])
        client.fput_object(bucket, key, file.name)
    return key


def _write(frame: pandas.DataFrame, path: str, format: str) -> None:
    if format == "csv":
        frame.to_csv(path, index=False)
    elif format == "ndjson":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        frame.to_parquet(path, index=False, compression="zstd")


def load(job: Job) -> Move:
    import pandas  # noqa: F401 (loading is counted apart from moving)
    import requests

    from include.transfer.store.client import connect

    if job["format"] == "parquet":
        import pyarrow.parquet  # noqa: F401

    client = connect(job["endpoint"], "us-east-1", (job["access_key"], job["secret_key"], None))
    key = f"seed/{job['prefix']}/data_from_{job['start']}.{job['format']}"
    batch = {"start": job["start"], "limit": job["rows"], "format": job["format"]}
    return lambda: {"keys": [transfer(requests.Session(), job["url"], client, job["bucket"], key, batch)]}


if __name__ == "__main__":
    measure(load)
