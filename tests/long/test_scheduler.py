"""Under the real scheduler: two runs of one dataset at once, and the memory of small and large batches."""

from typing import Any

from services.local.stack import Stack
from tests.stack import BUCKET, findings, manifest_of

ROWS = 20_000


def test_a_copys_memory_does_not_follow_its_batch(stack):
    peaks = {}
    for size in (2_000, ROWS):
        run = stack.trigger("wildfires_to_s3", {"batch_size": size, "force": True})
        assert stack.wait(run, 300) == "success"
        peaks[size] = max(receipt["peak_rss_mb"] for receipt in manifest_of(stack, run)["receipts"])
    assert peaks[ROWS] <= peaks[2_000] * 1.1


def folders_of(stack: Stack, dataset: str) -> dict[str, dict[str, int]]:
    """The dataset's runs that have a manifest: name → keys and sizes below it, by one listing."""
    found: dict[str, dict[str, int]] = {}
    for stored in stack.s3.list_objects(BUCKET, f"{dataset}/", recursive=True):
        found.setdefault(stored.object_name.split("/")[1], {})[stored.object_name] = stored.size
    return {run: keys for run, keys in found.items() if f"{dataset}/{run}/_manifest.json" in keys}


def test_two_runs_at_once_that_keep_one_never_show_half_a_run(stack):
    conf = {"batch_size": 2_500, "force": True, "keep_runs": 1}
    started = [stack.trigger("wildfires_to_s3", conf) for _ in range(2)]
    torn: list[str] = []

    def look(_: Any) -> None:
        """Whoever reads a manifest finds its objects, or the manifest gone when he looks again."""
        for run, keys in folders_of(stack, "wildfires").items():
            data = [key for key in keys if "/data_from_" in key and "/_receipts/" not in key]
            if not data and run in folders_of(stack, "wildfires"):
                torn.append(run)

    assert [stack.wait(run, 300, look) for run in started] == ["success", "success"]
    last = stack.trigger("wildfires_to_s3", conf)
    assert stack.wait(last, 300, look) == "success"
    assert torn == []
    committed = stack.api.xcom(last, "commit")
    assert set(folders_of(stack, "wildfires")) == {committed["run"]}
    assert findings(stack, last) == []
