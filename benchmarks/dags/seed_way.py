"""The teaching example's DAG on today's Airflow: count with curl, cut into batches, one transfer a batch."""

import math
from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, get_current_context, task

from benchmarks.ways.measured import peak_mb

BUCKET = "task-mapping-api-data"


@task
def create_batches(count: str) -> list[dict[str, int]]:
    size = get_current_context()["params"]["batch_size"]
    return [{"start": number * size, "limit": size} for number in range(math.ceil(int(count) / size))]


@task(pool="copies_large")
def transfer_to_s3(start: int, limit: int) -> dict:
    from airflow.providers.http.hooks.http import HttpHook
    from airflow.sdk import BaseHook
    from minio import Minio

    from benchmarks.ways.seed import transfer

    hook = HttpHook(method="GET", http_conn_id="wildfires_api")
    session = hook.get_conn()
    store = BaseHook.get_connection("locals3")
    host = store.extra_dejson["endpoint_url"].split("://")[1]
    client = Minio(
        endpoint=host, access_key=store.login, secret_key=store.password, secure=False, region="us-east-1"
    )
    run = get_current_context()["dag_run"].run_after.strftime("%Y%m%dT%H%M%S")
    key = f"seed/{run}/data_from_{start}.csv"
    batch = {"start": start, "limit": limit, "format": "csv"}
    return {
        "key": transfer(session, hook.base_url, client, BUCKET, key, batch),
        "start": start,
        "peak_rss_mb": peak_mb(),
    }


@dag(schedule=None, start_date=datetime(2026, 1, 1), params={"batch_size": 5_000})
def seed_way() -> None:
    url = "http://{{ conn.wildfires_api.host }}:{{ conn.wildfires_api.port }}/api/count"
    counted = BashOperator(task_id="get_rows_count", bash_command=f"curl --silent {url}")
    transfer_to_s3.expand_kwargs(create_batches(counted.output))


seed_way()
