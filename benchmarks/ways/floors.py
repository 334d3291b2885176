"""What does less than any copy must: the bytes alone, a bare loop, and that of one row group."""

import csv
import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from benchmarks.ways import ROW_GROUP_ROWS, Job, Steps

if TYPE_CHECKING:
    from minio import Minio

Pages = Iterator[list[dict[str, Any]]]
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
        parts: dict[str, Any] = {"part_size": PART_BYTES, "num_parallel_uploads": 1}
        client.put_object(job["bucket"], "pipe.json", response.raw, -1, **parts)
    yield "pipe"


def bare_loop(job: Job) -> Steps:
    """By the copy's own libraries: read, orjson, the format, SHA-256, one PUT; nothing is checked."""
    yield from _loop(job, job["rows"], 5_000)


def row_group(job: Job) -> Steps:
    """The same of one row group of Parquet, however many rows are asked for: its memory counts."""
    yield from _loop(job, min(job["rows"], ROW_GROUP_ROWS), 2_048)


def _loop(job: Job, rows: int, page_rows: int) -> Steps:
    client, pages = connect(job), _pages(job, rows, page_rows)
    yield "loaded"
    data = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}[job["format"]](job["types"], pages)
    hashlib.sha256(data).hexdigest()
    key = f"{job['way']}_{job['start']}.{job['format']}"
    client.put_object(job["bucket"], key, io.BytesIO(data), len(data))
    yield key


def _csv(types: dict[str, str], pages: Pages) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(types)
    for page in pages:
        writer.writerows(row.values() for row in page)
    return text.getvalue().encode()


def _ndjson(types: dict[str, str], pages: Pages) -> bytes:
    import orjson

    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for page in pages for row in page)


def _parquet(types: dict[str, str], pages: Pages) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in types.items()])
    table = pa.Table.from_batches([pa.RecordBatch.from_pylist(page, schema) for page in pages])
    pq.write_table(table, sink := io.BytesIO(), compression="zstd", row_group_size=ROW_GROUP_ROWS)
    return sink.getvalue()


def _pages(job: Job, rows: int, page_rows: int) -> Pages:
    import orjson
    import requests

    url, session, first, stop = f"{job['url']}/api/get", requests.Session(), job["start"], job["start"] + rows
    queries = ({"start": at, "limit": min(page_rows, stop - at)} for at in range(first, stop, page_rows))
    return (orjson.loads(session.get(url, params=query).content) for query in queries)
