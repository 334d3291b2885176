"""
### From a committed run to a report

Starts when a copy of the wildfires commits, with the manifest that the event names; started by hand, it takes
the newest committed run. `load` brings the manifest's objects into the warehouse (astro-sdk-python, in an
interpreter of its own): into a table of its own first, which takes the old one's place in one transaction.
`transform` makes and tests the marts (dbt through Cosmos), `export` writes them into the lake as Parquet, and
`publish` draws charts and a page from these, beside the run's objects: `{dataset}/{run}/_report/index.html`.

Safe to clear, retry and run again: a run that the warehouse has already is not loaded twice.
"""

from datetime import datetime

from airflow.sdk import dag

from include.lake import RETRIES, asset
from include.tasks.reporting import choose_runs, export, form, load, publish, report_others
from include.tasks.warehouse_models import document, transform
from include.wildfires import WILDFIRES, WILDFIRES_SMALL


@dag(
    dag_display_name="Wildfires, report",
    description="Load, transform, charts and a page of what a copy committed",
    schedule=(asset(WILDFIRES_SMALL) | asset(WILDFIRES)),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args=RETRIES,
    max_active_runs=1,  # the marts of a dataset are one set of tables
    params=form(),
    tags=["report", "wildfires"],
    doc_md=__doc__,
)
def wildfires_report() -> None:
    chosen = choose_runs()
    loaded = load(chosen)
    marts = transform(loaded)
    documented = document(loaded)
    exported = export(loaded)
    published = publish(loaded, exported)

    # The marts stand in the warehouse, so no value leads from dbt's tasks to those that read them.
    marts >> [exported, documented] >> published
    report_others(chosen)


wildfires_report()
