"""The project's copy: streamed, parsed, counted, hashed, encoded and uploaded as it arrives."""

from __future__ import annotations

from benchmarks.ways.measured import Job, Move, measure


def load(job: Job) -> Move:
    import requests

    from include.transfer.batches import Batch
    from include.transfer.copy import copy
    from include.transfer.dataset import Dataset
    from include.transfer.source.api import Api
    from include.transfer.store.bucket import Bucket
    from include.transfer.store.client import connect
    from include.transfer.store.keys import Prefix
    from include.wildfires import WILDFIRES

    if job["format"] == "parquet":
        import include.transfer.formats.parquet  # noqa: F401 (loading is counted apart from moving)

    dataset = Dataset.from_dict(WILDFIRES.to_dict(), {"format": job["format"]})
    client = connect(job["endpoint"], "us-east-1", (job["access_key"], job["secret_key"], None))
    api = Api(requests.Session(), job["url"], dataset)
    bucket = Bucket(client, job["bucket"])

    def move() -> dict[str, list[str]]:
        batch = Batch(job["start"], job["rows"])
        return {"keys": [copy(api, bucket, Prefix(dataset.name, job["prefix"]), batch).key]}

    return move


if __name__ == "__main__":
    measure(load)
