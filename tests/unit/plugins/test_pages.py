"""Which folders of the store a run is, to whom."""

from datetime import UTC, datetime

import pytest
from fastapi import HTTPException

from include.lake_page.runs import AirflowRun, CopyDag
from include.lake_page.stored_runs import Lake
from include.transfer.dataset import Dataset
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect
from plugins.lake_app.pages import Pages
from plugins.lake_app.stores import Stores, place

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRES = Dataset(name="fires")
DAG = CopyDag("fires_to_s3", {"name": "fires"}, "copy", "plan", "verify")
RUN = AirflowRun(DAG, "manual__1", "success", NOON, NOON, NOON, FIRES)


@pytest.fixture
def bucket(store, bucket_name):
    keys = (store.access_key, store.secret_key, None)
    return Bucket(connect(store.endpoint, "us-east-1", keys), bucket_name)


@pytest.fixture
def pages(bucket):
    """The pages of a user who may read one DAG of several; its run was copied by a first release."""
    made = Pages.__new__(Pages)
    made.everything, made.runs, made.dags = False, [RUN], []
    made.stores = Stores(_lakes={place(FIRES): Lake(bucket)})
    bucket.put_json(f"{RUN.former}data_from_0.json", {})
    return made


def test_the_folder_of_an_earlier_release_is_its_runs_where_the_store_names_the_dag(pages, bucket):
    bucket.put_json(RUN.prefix.owner, {"owner": DAG.dag_id})
    assert pages.prefix("fires", RUN.former.run) == RUN.former
    assert [each.prefix for each in pages._listed()["fires"]] == [RUN.former]


@pytest.mark.parametrize("owner", ["another_dag", None])
def test_a_short_mark_that_was_met_by_choice_shows_nothing_of_another_dags(pages, bucket, owner):
    if owner:
        bucket.put_json(RUN.prefix.owner, {"owner": owner})
    with pytest.raises(HTTPException) as refused:
        pages.prefix("fires", RUN.former.run)
    assert refused.value.status_code == 403
    assert [each.prefix for each in pages._listed()["fires"]] == [RUN.prefix]
