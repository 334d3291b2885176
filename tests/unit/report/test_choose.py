"""Which committed runs are reported, and how a step's error crosses from its interpreter."""

import pytest

from include.report.choose import choose, newest
from include.report.errors import RunGone, StepFailed, WarehouseUnavailable, answer
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.errors import BadSettings, Retryable
from include.wildfires import WILDFIRES, WILDFIRES_BY_MONTH
from tests.servers.memory_bucket import MemoryBucket


def uri(dataset, run):
    return f"s3://lake/{dataset}/{run}/_manifest.json"


def nothing(dataset):
    raise AssertionError(f"asked for the newest run of {dataset}")


def test_the_latest_event_of_each_dataset_counts_the_latest_first():
    events = [
        {"manifest": uri("wildfires", "r1")},
        {"manifest": uri("wildfires_small", "r2")},
        {"manifest": uri("wildfires", "r3")},
    ]
    assert choose(events, None, "wildfires_small", nothing) == [
        uri("wildfires", "r3"),
        uri("wildfires_small", "r2"),
    ]


def test_a_manifest_by_hand_is_taken_as_it_is():
    wanted = uri("wildfires", "r1")
    assert choose([{"manifest": uri("wildfires", "r9")}], wanted, "wildfires", nothing) == [wanted]


def test_by_hand_the_newest_committed_run_is_taken():
    assert choose([], None, "wildfires", {"wildfires": uri("wildfires", "r7")}.get) == [
        uri("wildfires", "r7")
    ]


def month(number):
    return f"2015-{number:02}-01T00:00:00Z"


def test_of_a_dataset_by_windows_the_run_that_holds_the_partition_is_taken():
    lines = [Live(month(1), month(3), "old", 1), Live(month(3), month(4), "new", 2)]
    bucket, dataset = MemoryBucket(), WILDFIRES_BY_MONTH
    bucket.put_json(f"{dataset.name}/_log/{2:012}.json", Entry(2, "new", "m", "s", windows=lines).to_dict())
    bucket.put_json(f"{dataset.name}/_latest.json", {"run": "new", "log": 2})
    found = [newest(bucket, dataset, partition) for partition in ("2015-02", "2015-03-01", "2015-04")]
    assert found == [uri(dataset.name, "old"), uri(dataset.name, "new"), None]
    for wrong, partition in ((dataset, ""), (dataset, "soon"), (WILDFIRES, "2015-02")):
        with pytest.raises(BadSettings):
            newest(bucket, wrong, partition)


def test_nothing_committed_is_said():
    with pytest.raises(RunGone, match="no run of wildfires is committed"):
        choose([], None, "wildfires", lambda dataset: None)


@pytest.mark.parametrize("event", [{}, {"manifest": None}, {"manifest": "s3://lake/x"}])
def test_an_event_without_a_manifest_is_refused(event):
    with pytest.raises(BadSettings):
        choose([event], None, "wildfires", nothing)


def test_an_unknown_dataset_is_refused():
    with pytest.raises(BadSettings, match="wildfires_small"):
        choose([], None, "births", nothing)


def test_an_error_keeps_its_class_and_text_on_the_way():
    with pytest.raises(WarehouseUnavailable, match=r"^gone$") as raised:
        answer(WarehouseUnavailable("gone").to_dict())
    assert isinstance(raised.value, Retryable)


@pytest.mark.parametrize("value", [None, "text", 3, ["x"]])
def test_an_answer_that_is_none_is_a_failure(value):
    with pytest.raises(StepFailed):
        answer(value)


def test_a_good_answer_is_itself():
    assert answer({"rows": 3}) == {"rows": 3}
