"""What no copy can undercut: the bytes alone, a bare loop over the rows, and the memory of one row group."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from benchmarks.ways import ROW_GROUP_ROWS, Job, Steps

if TYPE_CHECKING:
    from minio import Minio

PART_BYTES = 5 << 20  # of an upload; the copy's


def connect(job: Job) -> "Minio":
    from minio import Minio

    access, secret = job["keys"]
    host = job["endpoint"].partition("://")[2]
    return Minio(endpoint=host, access_key=access, secret_key=secret, secure=False, region="us-east-1")


def pipe(job: Job) -> Steps:
    """The body from the API's socket to the store, neither parsed nor looked at."""
    import requests

    client = connect(job)
    yield "loaded"
    query, identity = {"start": 0, "limit": job["rows"]}, {"Accept-Encoding": "identity"}
    with requests.get(f"{job['url']}/api/get", query, headers=identity, stream=True) as response:
        response.raise_for_status()
        # One part after the other, as in the copy: only what is done between them differs.
        parts: dict[str, Any] = {"part_size": PART_BYTES, "num_parallel_uploads": 1}
        client.put_object(job["bucket"], "pipe.json", response.raw, -1, **parts)
    yield "pipe"


def bare_loop(job: Job) -> Steps:
    """CSV by the copy's own libraries: read, orjson, csv, SHA-256, one PUT; nothing is checked."""
    import csv
    import hashlib
    import io

    client, pages, text = connect(job), _pages(job, job["rows"], 5_000), io.StringIO(newline="")
    yield "loaded"
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(job["types"])
    for page in pages:
        writer.writerows(row.values() for row in page)
    data = text.getvalue().encode()
    hashlib.sha256(data).hexdigest()
    client.put_object(job["bucket"], "bare_loop.csv", io.BytesIO(data), len(data))
    yield "bare_loop"


def row_group(job: Job) -> Steps:
    """pyarrow, and one row group of the same rows, however many are asked for."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    client, pages = connect(job), _pages(job, min(job["rows"], ROW_GROUP_ROWS), 2_048)
    kinds = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in job["types"].items()])
    yield "loaded"
    table = pa.Table.from_batches([pa.RecordBatch.from_pylist(page, schema) for page in pages])
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    sink.seek(0)
    client.put_object(job["bucket"], "row_group.parquet", sink, sink.getbuffer().nbytes)
    yield "row_group"


def _pages(job: Job, rows: int, page_rows: int) -> Iterator[list[dict[str, Any]]]:
    import orjson
    import requests

    url, session = f"{job['url']}/api/get", requests.Session()
    queries = ({"start": start, "limit": min(page_rows, rows - start)} for start in range(0, rows, page_rows))
    return (orjson.loads(session.get(url, params=query).content) for query in queries)
