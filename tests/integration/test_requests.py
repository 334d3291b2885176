"""What a mapped copy costs Airflow: its requests to the execution API, beside a map that does nothing."""

from collections import Counter

from include.tasks import preload
from services.local.execution_requests import by_task_instance
from tests.stack import copies


def requests_of(stack, run, task_id):
    """The requests of each instance of a mapped task that was not tried again."""
    asked = by_task_instance(stack.home.logs)
    mapped = [ti for ti in stack.task_instances(run) if ti["task_id"] == task_id and ti["map_index"] >= 0]
    return [asked[ti["id"]] for ti in mapped if ti["try_number"] == 1]


def test_a_mapped_copy_asks_for_two_connections_and_leaves_a_label_and_a_receipt(stack):
    copied = stack.trigger("wildfires_small_to_s3", {"force": True})
    nothing = stack.trigger("no_op", {})
    assert (stack.wait(copied, 300), stack.wait(nothing, 300)) == ("success", "success")
    (no_op,) = {tuple(sorted(each.items())) for each in requests_of(stack, nothing, "nothing")}
    assert set(preload.MODULES) <= set(stack.api.xcom(nothing, "loaded")), "by the scheduler, for all tasks"
    found = requests_of(stack, copied, "copy")
    assert len(found) == len(copies(stack, copied)) == 4
    for each in found:
        assert each - Counter(dict(no_op)) == {
            "GET connections": 2,  # of source and store, each once
            "POST xcoms": 1,  # the receipt
            "PATCH rendered-map-index": 1,  # its rows, as the map's label
        }
