"""Two tasks for wildfires_per_year: count each copied batch's fires by year, then add the years up."""

from collections.abc import Sequence

from airflow.sdk import TriggerRule, task

from include.tasks import connections, context
from include.tasks.copying import Settings
from include.transfer.payloads import CommittedRun, CopiedBatch, CountedBatch


@task(multiple_outputs=False, map_index_template="{{ task.op_kwargs['receipt']['key'] }}")
def fires_per_year(receipt: CopiedBatch, dataset: Settings) -> CountedBatch:
    """Count the fires of one copied batch by year."""
    from include.years import count_years

    chosen = context.of_this_run(dataset)
    bucket = connections.open_bucket(chosen.store_conn_id, chosen.bucket)
    vouched = {"start": receipt["start"], "rows": receipt["rows"], "sha256": receipt["sha256"]}
    return {**vouched, "years": count_years(bucket, receipt["key"])}  # type: ignore[typeddict-item]


@task(multiple_outputs=False, trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
def total_per_year(
    counted: Sequence[CountedBatch], committed: CommittedRun, dataset: Settings
) -> dict[str, int]:
    """Add the batches' years up, with those that were appended; they account for every committed row."""
    from include.years import add_years, count_years

    chosen = context.of_this_run(dataset)
    bucket = connections.open_bucket(chosen.store_conn_id, chosen.bucket)
    years = [batch["years"] for batch in context.listed(counted)]
    years += [count_years(bucket, key) for key in committed["appended"]]
    return add_years(years, committed["rows"])
