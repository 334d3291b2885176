"""Where a run's objects lie: names that lead out of the dataset's folder are refused."""

import re

import pytest

from include.transfer.batches import Batch
from include.transfer.errors import BadSettings
from include.transfer.store.keys import Prefix
from tests.lake_keys import unmarked


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
    key = prefix.new_data(Batch(5, 10), ".csv.gz", "etag")
    assert unmarked(key) == "things/20260101T0-a/data_from_5.csv.gz"
    assert key != prefix.new_data(Batch(5, 10), ".csv.gz", "etag")
    assert unmarked(prefix.hashes(key)) == "things/20260101T0-a/_receipts/data_from_5.rows"
    for name in (key, "things/20260101T0-a/data_from_5.csv.gz"):  # as this release names it, and the first
        assert prefix.is_data(name)
        assert prefix.is_receipt(prefix.hashes(name))
        assert prefix.is_data_of(name, Batch(5, 10), ".csv.gz")
        assert not prefix.is_data_of(name, Batch(50, 10), ".csv.gz")
        assert not prefix.is_data_of(name, Batch(5, 10), ".csv")
    assert prefix.began_with(key, "etag")
    assert prefix.began_with(prefix.hashes(key), "etag")
    assert not prefix.began_with(key, "")
    assert not prefix.began_with("things/20260101T0-a/data_from_5.csv.gz", "")
    # The first release's pattern: it reads what this one commits.
    assert re.fullmatch(r"things/20260101T0-a/data_from_\d+\.[a-z.]+", key)
    assert not prefix.is_data("things/20260101T0-a/_receipts/data_from_5.json")
