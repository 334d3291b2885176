"""The page in a real browser, compared with the store and with Airflow's own record."""

import json
import re
from typing import Any

from include.lake_page import number_format
from tests.browser.scenes import BATCHES, BUCKET, clear_map, folder, put, read_json
from tests.servers.ports import free_port


def cells(row: Any) -> dict[str, str]:
    """A row's cells by their column's name."""
    return {cell.get_attribute("data-label"): cell.inner_text().strip() for cell in row.locator("td").all()}


def row_of(page: Any, prefix: str) -> Any:
    return page.locator(f'tr[data-key="{prefix}/"]')


def test_a_committed_run_shows_its_manifests_figures(stack, scenes, visit):
    prefix = folder(stack, scenes.small)
    manifest = read_json(stack, f"{prefix}/_manifest.json")
    seen = visit("admin")
    shown = cells(row_of(seen.framed(), prefix))
    assert shown["State"] == "committed"
    assert shown["Batches"] == "4 of 4"
    assert (shown["Rows"], shown["Size"]) == ("20,000", number_format.size(manifest["bytes"]))
    peak = max(receipt["peak_rss_mb"] for receipt in manifest["receipts"])
    assert shown["Peak memory"] == number_format.mebibytes(peak)
    assert (shown["Retries"], shown["Reused"]) == ("0", "0")
    assert seen.complaints == []
    assert seen.elsewhere == []


def test_a_runs_batches_are_those_of_its_manifest_and_of_the_store(stack, scenes, visit):
    prefix = folder(stack, scenes.small)
    manifest = read_json(stack, f"{prefix}/_manifest.json")
    stored = {found.object_name for found in stack.s3.list_objects(BUCKET, f"{prefix}/", recursive=True)}
    seen = visit("reader")
    frame = seen.framed(f"/lake/runs/{prefix}")
    rows = frame.locator("tbody tr").all()
    assert len(rows) == len(manifest["receipts"]) == 4
    for row, receipt in zip(rows, manifest["receipts"], strict=True):
        last = receipt["start"] + receipt["rows"] - 1
        assert row.locator("th").inner_text() == f"rows {receipt['start']:,}–{last:,}"
        shown = cells(row)
        assert shown["State"].startswith("copied")
        assert (shown["Number"], shown["Size"]) == ("5,000", number_format.size(receipt["bytes"]))
        assert shown["Took"] == number_format.seconds(receipt["seconds"])
        assert row.get_by_text("object").get_attribute("title") == receipt["key"]
        assert receipt["key"] in stored
    assert frame.locator(".strip rect").count() == 4
    assert "None: plan, store and source agreed" in frame.locator("main").inner_text()
    proven = frame.locator(".proof").inner_text()
    assert f"{manifest['proof']['rows']['compared']:,} rows compared" in proven
    assert seen.complaints == []


def test_an_object_that_the_store_lost_is_found(stack, scenes, visit):
    prefix = folder(stack, scenes.slow)
    lost = read_json(stack, f"{prefix}/_manifest.json")["receipts"][1]["key"]
    stack.s3.remove_object(BUCKET, lost)
    page = visit().open(f"/lake/runs/{prefix}")
    told = f"{lost.rpartition('/')[2]}: the manifest names it and the store has no such object"
    assert told in page.inner_text("main")
    assert page.locator("tbody tr").nth(1).get_by_text("object").count() == 0


def test_the_slow_batch_stands_out(stack, scenes, visit):
    page = visit().open(f"/lake/runs/{folder(stack, scenes.slow)}")
    assert page.locator(".strip rect.slow title").text_content().startswith("rows 10–14, copied")
    assert page.locator("tr.slow th").inner_text() == "rows 10–14"
    assert page.locator(".chip").inner_text().startswith("rows 10–14, ")
    page.get_by_role("link", name="Took").click()
    assert page.locator("tbody th").first.inner_text() == "rows 10–14"
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Took")


def test_findings_are_told_as_verify_told_them_and_stay_text(stack, scenes, visit):
    """The source's version is HTML here: an attacker's, or a careless one's."""
    seen = visit()
    page = seen.open(f"/lake/runs/{folder(stack, scenes.changed)}")
    told = [item.inner_text() for item in page.locator(".notice li").all()]
    assert told[0].startswith("the source: it changed during the run: 20 → 21 rows")
    assert "<img/src=x/onerror=" in told[0]
    assert page.title() != "broken"
    assert page.locator("img").count() == 0
    assert seen.complaints == []


def test_a_failed_batch_leads_to_its_log_in_airflow(stack, scenes, visit):
    seen = visit("reader")
    frame = seen.framed(f"/lake/runs/{folder(stack, scenes.refused)}")
    assert frame.locator(".badge.failed").count() == 2
    assert "status 403" in frame.locator(".error").inner_text()
    frame.get_by_role("link", name="copy [2]: log").click()
    seen.page.wait_for_url(re.compile(r"/dags/api_to_s3/runs/[^/]+/tasks/copy/mapped/2"))
    seen.page.get_by_text("status 403").first.wait_for()


def test_a_bar_moves_while_a_run_runs_and_focus_stays(stack, scenes, visit):
    seen = visit("reader")
    frame = seen.framed()
    row = frame.locator('section[data-key="gated"] tbody tr')
    bar = row.locator("progress")
    frame.locator('section[data-key="gated"] progress[value="0"]').wait_for(timeout=60_000)
    assert cells(row)["State"] == "running"
    row.locator("a").focus()
    scenes.gate.open(0, 1, 2)
    frame.locator('section[data-key="gated"] progress[value="3"]').wait_for(timeout=60_000)
    widths = [bar.evaluate("each => each.value / each.max")]
    scenes.gate.open(*range(BATCHES))
    frame.locator('section[data-key="gated"] .badge.committed').wait_for(timeout=90_000)
    widths.append(bar.evaluate("each => each.value / each.max"))
    assert widths == [0.25, 1.0]
    assert cells(row)["Batches"] == f"{BATCHES} of {BATCHES}"
    assert row.locator("a").evaluate("each => each === document.activeElement")
    assert seen.complaints == []


def test_a_cleared_map_is_a_retry_that_reused_what_was_there(stack, scenes, visit):
    clear_map(stack, scenes.small, 1)
    assert stack.wait(scenes.small, 120) == "success"
    prefix = folder(stack, scenes.small)
    page = visit().open("/lake/")
    shown = cells(row_of(page, prefix))
    tried = sum(ti["try_number"] - 1 for ti in stack.task_instances(scenes.small))
    assert (shown["State"], shown["Retries"], shown["Reused"]) == ("committed", str(tried), "1")
    page.goto(f"{stack.api.url}/lake/runs/{prefix}")
    states = [cells(row)["State"].split()[0] for row in page.locator("tbody tr").all()]
    assert states == ["copied", "reused", "copied", "copied"]


def test_a_run_that_found_nothing_new_names_the_one_that_holds_it(stack, scenes, visit):
    page = visit().open("/lake/")
    row = page.locator('section[data-key="wildfires_small"] tbody tr').first
    shown = cells(row)
    assert (shown["State"], shown["Batches"]) == ("unchanged", "nothing new to copy")
    row.locator("a").click()
    page.get_by_role("link", name="run 2").click()
    page.wait_for_url(f"**/lake/runs/{folder(stack, scenes.small)}")


def test_a_run_of_another_airflow_is_shown_by_its_folder(stack, scenes, visit):
    source = folder(stack, scenes.small)
    manifest = read_json(stack, f"{source}/_manifest.json")
    other = "elsewhere/20200101T000000-0123abcd"
    moved = json.dumps(manifest).replace(source, other)
    named = {**json.loads(moved), "dataset": "elsewhere", "run": "20200101T000000-0123abcd"}
    put(stack, f"{other}/_manifest.json", json.dumps(named).encode())
    page = visit("admin").open("/lake/")
    assert "not known to Airflow" in row_of(page, other).inner_text()
    assert cells(row_of(page, other))["Rows"] == "20,000"
    page.goto(f"{stack.api.url}/lake/runs/{other}")
    assert page.locator("tbody tr").count() == 4


def test_foreign_names_in_the_store_do_not_break_the_page(stack, scenes, visit):
    prefix = folder(stack, scenes.small)
    hostile = "<img src=x onerror=\"document.title='broken'\">"
    put(stack, f"{hostile}/20200101T000000-aa/_manifest.json", b"{}")
    put(stack, f"odd/{hostile}/_manifest.json", b"{}")
    put(stack, f"{prefix}/{hostile}.csv", b"x")
    seen = visit("admin")
    page = seen.open("/lake/")
    assert page.locator("section").count() >= 5
    page.goto(f"{stack.api.url}/lake/runs/{prefix}")
    assert page.locator("tbody tr").count() == 4
    assert page.title() != "broken"
    assert seen.complaints == []


def test_the_report_is_shown_and_can_do_nothing(stack, scenes, visit):
    prefix = folder(stack, scenes.small)
    broken = b"<script>document.title='broken'</script>"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40">' + broken + b"</svg>"
    style = b"<style>h1 { color: rgb(1, 2, 3) }</style>"
    html = b"<!doctype html><title>Report</title>" + style + b"<h1>Fires</h1>" + broken
    chart = {
        "name": "years",
        "title": "Fires per <b>year</b>",
        "svg": "years.svg",
        "dark_svg": "years_dark.svg",
    }
    index = {"created_at": "2026-01-01T00:00:00+00:00", "charts": [chart], "marts": []}
    objects = {"years.svg": svg, "years_dark.svg": svg, "index.html": html}
    for name, data in {**objects, "index.json": json.dumps(index).encode()}.items():
        put(stack, f"{prefix}/_report/{name}", data)
    seen = visit("reader", theme="light")
    frame = seen.framed(f"/lake/runs/{prefix}")
    picture, in_the_dark = frame.locator("figure img.on-light"), frame.locator("figure img.on-dark")
    assert picture.evaluate("each => each.decode().then(() => each.naturalWidth)") == 80
    assert in_the_dark.is_hidden()
    seen.page.evaluate("document.documentElement.classList.replace('light', 'dark')")
    in_the_dark.wait_for(state="visible")
    assert picture.is_hidden()
    assert frame.locator("figcaption").inner_text().startswith("Fires per <b>year</b>")
    frame.get_by_role("link", name="Open the report").click()
    opened = frame.get_by_role("heading", name="Fires", exact=True)
    opened.wait_for()
    assert opened.evaluate("each => getComputedStyle(each).color") == "rgb(1, 2, 3)"
    assert opened.evaluate("each => document.title") == "Report"
    # A stranger to Airflow's origin: neither its cookies nor its storage can be reached.
    assert opened.evaluate("each => self.origin") == "null"


def test_dbts_documentation_runs_and_reaches_nothing(stack, scenes, visit):
    prefix = folder(stack, scenes.slow)
    program = b"""<!doctype html><title>dbt</title><h1>Models</h1><script>
        const tries = {
            cookie: () => document.cookie,
            storage: () => localStorage.length,
            page: () => parent.document.title,
        };
        const found = {made: eval("1 + 1")};
        const refused = new Promise(tell => document.addEventListener(
            "securitypolicyviolation", event => tell(event.effectiveDirective)));
        for (const [name, look] of Object.entries(tries)) {
            try { found[name] = look() } catch (error) { found[name] = error.name }
        }
        fetch("/api/v2/dags").then(() => "answered", () => refused).then(fetched => {
            document.querySelector("h1").textContent = JSON.stringify({...found, fetch: fetched});
        });
    </script>"""
    put(stack, f"{prefix}/_report/docs.html", program)
    put(stack, f"{prefix}/_report/index.json", b"{}")
    seen = visit("reader")
    frame = seen.framed(f"/lake/runs/{prefix}")
    frame.get_by_role("link", name="How its tables are made").click()
    docs = frame.frame_locator("iframe")
    told = docs.locator("h1", has_text="fetch")
    told.wait_for()
    refused = dict.fromkeys(("cookie", "storage", "page"), "SecurityError")
    assert json.loads(told.inner_text()) == {"made": 2, **refused, "fetch": "connect-src"}
    assert seen.elsewhere == []
    # Nor can it lead its frame there.
    docs.locator("h1").evaluate(f"each => {{ location = 'http://127.0.0.1:{free_port()}/?what=it-knows' }}")
    seen.page.wait_for_function("() => true")
    frame.get_by_role("link", name="Lake").click()
    frame.get_by_role("heading", name="Lake").wait_for()
    assert seen.elsewhere == []


def test_dbts_documentation_has_no_window_of_its_own(stack, scenes, visit):
    prefix = folder(stack, scenes.slow)
    put(stack, f"{prefix}/_report/docs.html", b"<!doctype html><h1>Models</h1>")
    page = visit("reader").open(f"/lake/runs/{prefix}/report/docs.html")
    assert page.url.endswith("/docs")
    page.frame_locator("iframe").get_by_role("heading", name="Models").wait_for()
