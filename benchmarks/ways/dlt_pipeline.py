"""dlt: its declarative REST source into its filesystem destination, as its documentation has it.

Runs in an interpreter of its own (benchmarks/requirements/dlt.lock). The columns' types are declared, as the
copy declares them; text and numbers stay what they are. All else is dlt's default but compression, which
would cost it time that the others do not spend.
"""

from __future__ import annotations

import os
import tempfile

from benchmarks.ways.measured import Job, Move, measure

# Rows a request: one of 50,000 rows made the pipeline slower and two to three times as large.
PAGE_ROWS = 5_000
FORMATS = {"csv": "csv", "ndjson": "jsonl", "parquet": "parquet"}
KINDS = {"string": "text", "int64": "bigint", "double": "double"}


def load(job: Job) -> Move:
    home = tempfile.TemporaryDirectory(prefix="benchmark-dlt-")
    os.environ |= {
        "DLT_DATA_DIR": home.name,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "SCHEMA__NAMING": "direct",
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
        "LOAD__RAISE_ON_FAILED_JOBS": "true",
    }
    import dlt
    from dlt.destinations import filesystem
    from dlt.sources.rest_api import rest_api_source

    store = filesystem(
        f"s3://{job['bucket']}/dlt/{job['prefix']}",
        credentials={
            "aws_access_key_id": job["access_key"],
            "aws_secret_access_key": job["secret_key"],
            "endpoint_url": job["endpoint"],
            "region_name": "us-east-1",
        },
    )
    pipeline = dlt.pipeline("benchmark", pipelines_dir=home.name, destination=store, dataset_name="wildfires")

    def move() -> dict[str, list[str]]:
        with home:
            source = rest_api_source(_configuration(job), max_table_nesting=0)
            info = pipeline.run(source, loader_file_format=FORMATS[job["format"]])
            info.raise_on_failed_jobs()
        return {"keys": [f"dlt/{job['prefix']}/wildfires/wildfires/"]}  # names hold random parts: a prefix

    return move


def _configuration(job: Job) -> dict:
    page = min(PAGE_ROWS, job["rows"])
    paginator = {
        "type": "offset",
        "offset": job["start"],
        "limit": page,
        "offset_param": "start",
        "limit_param": "limit",
        "total_path": None,
        "maximum_offset": job["start"] + job["rows"],
    }
    columns = {name: {"data_type": KINDS[kind]} for name, kind in job["types"].items()}
    endpoint = {"path": "api/get", "paginator": paginator, "data_selector": "$"}
    return {
        "client": {"base_url": job["url"] + "/"},
        "resources": [
            {"name": "wildfires", "endpoint": endpoint, "columns": columns, "write_disposition": "append"}
        ],
    }


if __name__ == "__main__":
    measure(load)
