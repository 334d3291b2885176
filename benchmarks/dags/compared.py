"""What the copy's DAG is compared with: maps that do nothing, and the teaching example on today's Airflow."""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, get_current_context, task

START, BUCKET = datetime(2026, 1, 1), "task-mapping-api-data"


@task
def numbers() -> list[int]:
    return list(range(get_current_context()["params"]["maps"]))


@task(pool="copies_large")
def nothing(number: int) -> None:
    pass


@dag(schedule=None, start_date=START, params={"maps": 39})
def no_op() -> None:
    nothing.expand(number=numbers())


@task
def create_batches(count: str) -> list[dict[str, int]]:
    size = get_current_context()["params"]["batch_size"]
    return [{"start": number * size, "limit": size} for number in range(-(-int(count) // size))]


@task(pool="copies_large")
def transfer_to_s3(start: int, limit: int) -> None:
    from airflow.providers.http.hooks.http import HttpHook
    from airflow.sdk import BaseHook
    from minio import Minio

    from benchmarks.ways.copies import seed_transfer

    hook = HttpHook(method="GET", http_conn_id="wildfires_api")
    session = hook.get_conn()
    store = BaseHook.get_connection("locals3")
    host, access, secret = store.extra_dejson["endpoint_url"].split("://")[1], store.login, store.password
    client = Minio(endpoint=host, access_key=access, secret_key=secret, secure=False, region="us-east-1")
    seed_transfer(session, hook.base_url, client, BUCKET, f"seed/data_from_{start}.csv", start, limit)


@dag(schedule=None, start_date=START, params={"batch_size": 5_000})
def seed_way() -> None:
    url = "http://{{ conn.wildfires_api.host }}:{{ conn.wildfires_api.port }}/api/count"
    counted = BashOperator(task_id="get_rows_count", bash_command=f"curl --silent {url}")
    transfer_to_s3.expand_kwargs(create_batches(counted.output))  # type: ignore[arg-type]


no_op()
seed_way()
