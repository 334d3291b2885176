"""The project's copy: streamed, parsed, counted, hashed, encoded and uploaded as it arrives."""

from benchmarks.ways import Job, Steps


def copy(job: Job) -> Steps:
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
    bucket = Bucket(connect(job["endpoint"], "us-east-1", (*job["keys"], None)), job["bucket"])
    api = Api(requests.Session(), job["url"], dataset)
    yield "loaded"
    yield copy(api, bucket, Prefix(dataset.name, "copy"), Batch(0, job["rows"])).key
