"""The copies that are compared: this project's, the teaching example's, Airflow's own operator, and dlt."""

import os
import tempfile
from typing import TYPE_CHECKING, Any

from benchmarks.ways import Job, Steps
from benchmarks.ways.floors import connect

if TYPE_CHECKING:
    import requests
    from minio import Minio

# Rows a request of dlt: one of 50,000 rows made the pipeline slower and two to three times as large.
DLT_PAGE_ROWS = 5_000
DLT_FORMATS = {"csv": "csv", "ndjson": "jsonl", "parquet": "parquet"}
DLT_KINDS = {"string": "text", "int64": "bigint", "double": "double"}


def copy(job: Job) -> Steps:
    """This project's: streamed, parsed, counted, hashed, encoded and uploaded as it arrives."""
    import requests

    from include.transfer.batches import Batch
    from include.transfer.copy import copy_batch
    from include.transfer.dataset import Dataset
    from include.transfer.source import blocks
    from include.transfer.source.api import Api
    from include.transfer.store.bucket import Bucket
    from include.transfer.store.client import connect
    from include.transfer.store.keys import Prefix
    from include.wildfires import WILDFIRES

    if job["way"] == "unproven":  # what hashes of rows cost; the texts that they are of go into NDJSON
        unused = {} if job["format"] == "ndjson" else {"object_texts": lambda text, count: ()}
        vars(blocks).update(unused, hashed=lambda texts: b"")
    dataset = Dataset.from_dict(WILDFIRES.to_dict(), {"format": job["format"]})
    bucket = Bucket(connect(job["endpoint"], "us-east-1", (*job["keys"], None)), job["bucket"])
    api = Api(requests.Session(), job["url"], dataset)
    yield "loaded"
    yield copy_batch(api, bucket, Prefix(dataset.name, "copy"), Batch(0, job["rows"])).key


unproven = copy


def seed(job: Job) -> Steps:
    """The whole body, the whole table, a whole file, then one upload."""
    import pandas  # noqa: F401 (loading is counted apart from moving)
    import requests

    where = requests.Session(), job["url"], connect(job), job["bucket"], f"seed.{job['format']}"
    yield "loaded"
    yield seed_transfer(*where, 0, job["rows"])


def seed_transfer(
    session: "requests.Session", url: str, client: "Minio", bucket: str, key: str, start: int, limit: int
) -> str:
    """Copy rows [start, start + limit) to the object `key`, whose suffix is its format; returns the key."""
    import pandas

    response = session.get(f"{url}/api/get", params={"start": start, "limit": limit})
    response.raise_for_status()
    frame = pandas.DataFrame.from_records(response.json())
    with tempfile.NamedTemporaryFile("w+b") as file:
        if key.endswith(".ndjson"):
            frame.to_json(file.name, orient="records", lines=True, double_precision=15)
        elif key.endswith(".parquet"):
            frame.to_parquet(file.name, index=False, compression="zstd")
        else:
            frame.to_csv(file.name, index=False)
        client.fput_object(bucket, key, file.name)
    return key


def http_to_s3(job: Job) -> Steps:
    """The whole body in memory, then one upload of it as it is."""
    user, endpoint = ":".join(job["keys"]), job["endpoint"].replace(":", "%3A").replace("/", "%2F")
    store = f"aws://{user}@/?endpoint_url={endpoint}&region_name=us-east-1"
    os.environ |= {"AIRFLOW_CONN_HTTP_DEFAULT": job["url"], "AIRFLOW_CONN_AWS_DEFAULT": store}
    from airflow.providers.amazon.aws.transfers.http_to_s3 import HttpToS3Operator

    operator = HttpToS3Operator(
        task_id="copy",
        endpoint="api/get",
        data={"start": 0, "limit": job["rows"]},
        headers={"Accept-Encoding": "identity"},
        s3_bucket=job["bucket"],
        s3_key="http_to_s3.json",
    )
    operator.s3_hook.get_conn()  # loads boto3
    yield "loaded"
    operator.execute({})
    yield "http_to_s3"


def dlt(job: Job) -> Steps:
    """Its declarative REST source into its filesystem destination, as its documentation has it.

    The columns' types are declared, as the copy declares them; text and numbers stay what they are. All else
    is dlt's default but compression, which would cost it time that the others do not spend.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-dlt-") as home:
        os.environ |= {
            "DLT_DATA_DIR": home,
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "ERROR",
            "SCHEMA__NAMING": "direct",
            "DATA_WRITER__DISABLE_COMPRESSION": "true",
            "LOAD__RAISE_ON_FAILED_JOBS": "true",
        }
        import dlt  # type: ignore[import-not-found]
        from dlt.destinations import filesystem  # type: ignore[import-not-found]
        from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]

        access, secret = job["keys"]
        keys = {"aws_access_key_id": access, "aws_secret_access_key": secret, "region_name": "us-east-1"}
        store = filesystem(f"s3://{job['bucket']}/dlt", credentials=keys | {"endpoint_url": job["endpoint"]})
        pipeline = dlt.pipeline("benchmark", pipelines_dir=home, destination=store, dataset_name="lake")
        yield "loaded"
        source = rest_api_source(_dlt_source(job), max_table_nesting=0)
        pipeline.run(source, loader_file_format=DLT_FORMATS[job["format"]]).raise_on_failed_jobs()
    yield "dlt/lake/wildfires/"


def _dlt_source(job: Job) -> Any:
    names = {"offset_param": "start", "limit_param": "limit", "total_path": None}
    page = {"type": "offset", "limit": min(DLT_PAGE_ROWS, job["rows"]), "maximum_offset": job["rows"]}
    columns = {name: {"data_type": DLT_KINDS[kind]} for name, kind in job["types"].items()}
    endpoint = {"path": "api/get", "paginator": page | names, "data_selector": "$"}
    resource = {"name": "wildfires", "endpoint": endpoint, "columns": columns, "write_disposition": "append"}
    return {"client": {"base_url": job["url"] + "/"}, "resources": [resource]}
