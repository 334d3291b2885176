"""Where a run's objects lie: names that lead out of the dataset's folder are refused."""

import pytest

from include.transfer.batches import Batch
from include.transfer.errors import BadSettings
from include.transfer.store.keys import Prefix


@pytest.mark.parametrize("dataset", ["", "A", "../x", "a/b", "a\n", "_x", "a" * 64])
@pytest.mark.parametrize("name", ["run", ""])
def test_names_that_lead_out_of_the_folder(dataset, name):
    with pytest.raises(BadSettings, match="cannot be parts of an object's key"):
        Prefix(dataset, name)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\n", "_receipts", "-", "a" * 101, "é"])
def test_runs_that_lead_out_of_the_folder(name):
    with pytest.raises(BadSettings, match="cannot be parts of an object's key"):
        Prefix("things", name)


def test_keys():
    prefix = Prefix("things", "20260101T0-a")
    assert prefix.data(Batch(5, 10), ".csv.gz") == "things/20260101T0-a/data_from_5.csv.gz"
    assert prefix.is_data("things/20260101T0-a/data_from_5.csv.gz")
    assert not prefix.is_data("things/20260101T0-a/_receipts/data_from_5.json")
