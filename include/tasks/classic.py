"""What the classic operators of wildfires_classic call. Only for the sample API, which needs no login."""

from typing import Any

# --8<-- [start:count]
# The command is constant; the connection's address comes by the environment, where nothing is executed.
COUNT = """\
command -v curl >/dev/null || {
  echo "curl is not installed here: install it, or run wildfires_small_to_s3, which does without" >&2
  exit 1
}
curl --fail --silent --show-error --max-time 60 "$WILDFIRES_API/api/count_small"
"""
SOURCE = "http://{{ conn.wildfires_api.host }}:{{ conn.wildfires_api.port }}"
# --8<-- [end:count]

BATCH_SIZE = 5_000
BUCKET = "task-mapping-api-data"


# --8<-- [start:batches]
def create_batches(counted: str) -> list[dict[str, int]]:
    """Where each batch starts, and how many rows it has; `counted`: what curl printed."""
    rows = int(counted)
    return [{"start": start, "limit": min(BATCH_SIZE, rows - start)} for start in range(0, rows, BATCH_SIZE)]


def prep_arg(batch: dict[str, int]) -> dict[str, Any]:
    """For `.map()`: the keyword arguments of one transfer. Templates are not rendered here."""
    return {"conn_id": "wildfires_api", "s3_conn_id": "locals3", "endpoint": "/api/get_small", **batch}


# --8<-- [end:batches]


def transfer_to_s3(
    conn_id: str, s3_conn_id: str, endpoint: str, start: int, limit: int, **context: Any
) -> str:
    """Stream one answer of the API into one object; returns its key. Memory does not depend on the rows."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.providers.http.hooks.http import HttpHook

    # --8<-- [start:render]
    # What `.map()` cannot render, the task can.
    timestamp = context["task"].render_template("{{ dag_run.run_after | ts_nodash }}", context)
    key = f"_classic/{timestamp}/data_from_{start}.json"
    # --8<-- [end:render]
    http = HttpHook(method="GET", http_conn_id=conn_id)
    answer = http.run(
        endpoint,
        data={"start": start, "limit": limit},
        headers={"Accept-Encoding": "identity"},
        extra_options={"stream": True, "timeout": 60},
    )
    with answer:
        S3Hook(s3_conn_id).load_file_obj(answer.raw, key, BUCKET, replace=True)
    return key
