"""The page of a dataset by windows: a hole, a window copied again, and what each commit did."""

from typing import Any

from include.transfer.commit.log import newest
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from services.local.stack import Stack
from tests.browser.scenes import BUCKET, read_json
from tests.browser.test_page import cells

DAG = "wildfires_by_month"
MONTHS = Prefix(DAG, "any")


def copied(stack: Stack, since: str, until: str) -> None:
    assert stack.wait(stack.trigger(DAG, {"since": since, "until": until}), 240) == "success"


def told(page: Any) -> dict[str, str]:
    facts = page.locator(".timeline dl > div").all()
    return {each.locator("dt").inner_text(): each.locator("dd").inner_text() for each in facts}


def test_a_dataset_by_windows_shows_what_is_there_and_what_is_not(stack, visit):
    copied(stack, "1992-01-01", "1992-04-01")
    copied(stack, "1992-06-01", "1992-07-01")
    lake = Bucket(stack.s3, BUCKET)
    first = next(line.run for line in newest(lake, MONTHS).windows if line.since.startswith("1992-01"))
    manifest = read_json(stack, MONTHS.of(first).manifest)
    (lost,) = [each for each in manifest["receipts"] if "/data_19920201_" in each["key"]]
    stack.s3.remove_object(BUCKET, lost["key"])
    copied(stack, "1992-02-01", "1992-03-01")

    seen = visit("admin", width=400)
    page = seen.open(f"/lake/datasets/{DAG}")
    assert told(page) == {
        "watermark": "1992-04-01",
        "covered": "1992-01-01 to 1992-04-01, 1992-06-01 to 1992-07-01",
        "late or copied again": "1992-02-01 to 1992-03-01",
        "missing": "1992-04-01 to 1992-06-01",
    }
    line = page.locator(".timeline svg[role=img]")
    assert "missing: 1992-04-01 to 1992-06-01" in line.get_attribute("aria-label")
    kinds = [each.get_attribute("class") for each in line.locator("rect:not(.track)").all()]
    assert kinds == ["covered", "late-or-copied-again", "covered", "missing", "covered"]
    newest_commit = cells(page.locator('tr[data-key="commit 3"]'))
    assert newest_commit["Added"] == "1992-02-01 to 1992-03-01"
    assert newest_commit["Replaced"].startswith("1992-02-01 to 1992-03-01, of ")
    assert newest_commit["Rows added"] == newest_commit["Rows replaced"] == f"{lost['rows']:,}"
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.get_by_role("link", name=newest(lake, MONTHS).run[:15]).last.click()
    href = page.get_by_role("link", name="Object of").get_attribute("href")
    assert page.request.get(f"{stack.api.url}{href}").ok
    assert seen.complaints == []
