"""The one import of a DAG author: what to copy, the group of tasks that copies it, and what they are made of.

from include.lake import Dataset, copy_to_lake, form

FIRES = Dataset(name="fires", conn_id="fires_api", rows_path="/v2/fires", count_path="/v2/fires/count")

@dag(schedule="@daily", start_date=datetime(2026, 1, 1), params=form(FIRES))
def fires() -> None:
    copy_to_lake(FIRES, pool="copies_large")
"""

from include.tasks.context import RUN
from include.tasks.copying import commit, copy, count_rows, plan, verify
from include.tasks.forms import asset, form, run_form, settings_form
from include.tasks.group import copy_to_lake
from include.tasks.retries import RETRIES
from include.transfer.dataset import Dataset
from include.transfer.payloads import CopiedBatch, PlannedBatch, Vouched
from include.transfer.policy import Policy
from include.transfer.source.chains import Cursor, Link, Single
from include.transfer.source.paging import Offset, Page
from include.transfer.source.windows import Window

__all__ = [
    "RETRIES",
    "RUN",
    "CopiedBatch",
    "Cursor",
    "Dataset",
    "Link",
    "Offset",
    "Page",
    "PlannedBatch",
    "Policy",
    "Single",
    "Vouched",
    "Window",
    "asset",
    "commit",
    "copy",
    "copy_to_lake",
    "count_rows",
    "form",
    "plan",
    "run_form",
    "settings_form",
    "verify",
]
