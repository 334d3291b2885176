"""The tasks of lake_doctor, and one that says where it runs."""

from typing import Any

from airflow.sdk import task

from include.tasks import connections, context
from include.tasks.copying import Settings


@task
def check_source(dataset: Settings) -> list[str]:
    """Ask the API for its count and its first row; compare clocks."""
    from include.transfer import diagnose

    chosen = context.of_this_run(dataset)
    checks = diagnose.opening("source", lambda: connections.open_api(chosen), diagnose.check_source)
    return context.diagnosis(checks)


@task
def check_store(dataset: Settings) -> list[str]:
    """Put, read, list and delete objects in the bucket; compare clocks."""
    from include.transfer import diagnose

    chosen = context.of_this_run(dataset)
    conn_id = chosen.store_conn_id

    def opened() -> Any:
        return connections.open_bucket(conn_id, chosen.bucket), conn_id, connections.store_url(conn_id)

    return context.diagnosis(diagnose.opening("store", opened, lambda store: diagnose.check_store(*store)))


@task
def check_machine() -> list[str]:
    """See that there is room for logs."""
    from include.transfer import diagnose

    return context.diagnosis(diagnose.check_disk(context.log_folder()))


@task
def probe_pool() -> str:
    """Run at all: a task whose pool does not exist never does."""
    return context.pool_slot()


@task(multiple_outputs=False)
def print_executor() -> dict[str, str]:
    """Say which executor runs this task, and on which host."""
    return context.where_it_runs()
