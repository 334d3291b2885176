"""What the copy's DAG is compared with: maps that do nothing, bare loops, and the teaching example."""

from datetime import datetime
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, get_current_context, task

START, BUCKET = datetime(2026, 1, 1), "task-mapping-api-data"


@task
def numbers(after: Any = None) -> list[int]:
    return list(range(get_current_context()["params"]["maps"]))


@task(pool="copies_large")
def nothing(number: int) -> None:
    pass


@task
def step(after: Any = ()) -> None:
    list(after or ())


@dag(schedule=None, start_date=START, params={"maps": 39})
def no_op() -> None:
    nothing.expand(number=numbers())


@task(pool="copies_large", map_index_template="{{ task.op_kwargs['number'] }}", multiple_outputs=False)
def bare_copy(number: int) -> dict[str, Any]:
    """The least that a map can do: two connections, the rows, a label, a receipt."""
    from airflow.sdk import BaseHook

    from benchmarks.ways.floors import bare_loop
    from include.wildfires import WILDFIRE_TYPES

    source, store = (BaseHook.get_connection(each) for each in ("wildfires_api", "locals3"))
    rows = get_current_context()["params"]["batch_size"]
    url, endpoint = f"http://{source.host}:{source.port}", store.extra_dejson["endpoint_url"]
    where = {"url": url, "endpoint": endpoint, "bucket": BUCKET, "keys": (store.login, store.password)}
    job: Any = {"way": "bare_loop", "format": "csv", "start": number * rows, "rows": rows, **where}
    *_, key = bare_loop(job | {"types": dict(WILDFIRE_TYPES)})
    return {"key": key, "rows": rows}


@dag(schedule=None, start_date=START, params={"maps": 39, "batch_size": 5_000})
def bare_way() -> None:
    """The five tasks of a copy, of which four do nothing."""
    verified = step.override(task_id="verify")(bare_copy.expand(number=numbers(step())))
    step.override(task_id="commit")(verified)


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
bare_way()
seed_way()
