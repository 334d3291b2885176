"""Take every picture of docs/ anew, from a real run of everything; and time the page with 1,000 batches.

make pictures
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from playwright.sync_api import Browser, Page

from services.local import airflow_env
from services.local.airflow_api import Run
from services.local.home import Credentials
from services.local.ports import HOST
from services.local.stack import Stack
from tests.browser import camera, chromium, scenes

DOCS = Path(__file__).parents[2] / "docs"
LESSONS = DOCS / "learn" / "pictures"
REQUESTS = 20
BATCHES = 1_000
SMALL, LARGE = "wildfires_small_to_s3", "wildfires_to_s3"
LOGS = "airflow-logs"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Exit status 1 where there is no browser."""
    if chromium.find() is None:
        say(chromium.HOW_TO)
        return 1
    with tempfile.TemporaryDirectory(prefix="pictures-") as home:
        # "up" brings the store's page; without schedules no run but those triggered here.
        unscheduled = {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False"}
        stack = Stack(Path(home), env_overrides=scenes.environment() | unscheduled, mode="up")
        stack.overrides |= logs_in_the_store(stack)
        with stack, chromium.started() as browser:
            before_a_run(Studio(stack, browser))
            large = finished(stack, LARGE, {"batch_size": 500, "format": "parquet"})
            after_a_run(Studio(stack, browser, finished(stack, SMALL)))
            of_the_lake(Studio(stack, browser, large))
    return 0


def logs_in_the_store(stack: Stack) -> dict[str, str]:
    """Settings that keep task logs in a bucket, as on Kubernetes: the picture of the bucket needs some."""
    stack.home.prepare()
    found = airflow_env.local_connections(stack.ports, Credentials.load(stack.home))
    (store,) = [each for each in found if each.conn_id == "locals3"]
    return {
        "AIRFLOW__LOGGING__REMOTE_LOGGING": "True",
        "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": f"s3://{LOGS}",
        "AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID": store.conn_id,
        store.variable: store.json,
    }


def finished(stack: Stack, dag_id: str, conf: dict[str, Any] | None = None) -> Run:
    run = stack.trigger(dag_id, conf)
    if (ended := stack.wait(run)) != "success":
        raise RuntimeError(f"{dag_id} ended as {ended}")
    return run


@dataclass
class Studio:
    """Where pictures are taken: a stack, a browser, and the run that they show."""

    stack: Stack
    browser: Browser
    run: Run | None = None

    def page_of(self, run: Run) -> str:
        return f"/dags/{run.dag_id}/runs/{run.run_id}"

    def take(
        self,
        name: str,
        path: str,
        ready: Callable[[Page], Any],
        *,
        themes: tuple[str, ...] = ("light",),
        height: int = 640,
        view: str = "grid",
        part: str | None = None,
        user: str = "reader",
    ) -> None:
        """A picture of Airflow's UI for each theme, once it is ready; `part`: of this element alone."""
        for theme in themes:
            file = LESSONS / f"{name}{'' if theme == 'light' else '-dark'}.webp"
            with camera.airflow(self.stack, self.browser, theme, height, view, user) as page:
                page.goto(f"{self.stack.api.url}{path}")
                ready(page)
                camera.save(page, file, page.locator(part) if part else None)
            say(f"{file.relative_to(DOCS)}: {file.stat().st_size:,} bytes")


def shows(text: str) -> Callable[[Page], Any]:
    """Ready when the page shows the text."""
    return lambda page: page.get_by_text(text).first.wait_for(timeout=60_000)


def graph(studio: Studio, name: str, path: str, text: str) -> None:
    """The graph alone, in both themes, without its small map, which would lie over a task."""

    def drawn(page: Page) -> None:
        page.locator(".react-flow__node").get_by_text(text).wait_for(timeout=60_000)
        page.add_style_tag(content=".react-flow__minimap { display: none }")

    studio.take(name, path, drawn, themes=("light", "dark"), height=400, view="graph", part=".react-flow")


def before_a_run(studio: Studio) -> None:
    for dag_id in (SMALL, "api_to_s3"):
        studio.stack.api.wait_for_dag(dag_id)
    graph(studio, "graph-before", f"/dags/{SMALL}", "copy [0]")

    def filled_in(page: Page) -> None:
        page.get_by_role("button", name="Trigger").first.click()
        page.get_by_text("Object", exact=True).click()
        page.get_by_text("Rows in a batch").wait_for()

    studio.take("form", "/dags/api_to_s3", filled_in, height=960, user="admin")


def after_a_run(studio: Studio) -> None:
    run = studio.run
    assert run is not None
    path = studio.page_of(run)
    graph(studio, "graph-after", path, "copy [4]")
    studio.take("grid", path, shows("8 Task Instances"), height=720)
    mapped = f"{path}/tasks/copy/mapped"
    studio.take("mapped", mapped, shows("rows 0–4,999"), themes=("light", "dark"), height=620)
    studio.take("log", f"{mapped}/2", shows("data_from_10000"))
    in_the_store(studio, "bucket", f"{scenes.BUCKET}/{scenes.folder(studio.stack, run)}")
    in_the_store(studio, "logs", f"{LOGS}/dag_id={SMALL}/run_id={run.run_id}/task_id=copy")
    finished(studio.stack, "wildfires_report", {"dataset": "wildfires_small"})
    report = f"/lake/runs/{scenes.folder(studio.stack, run)}/report/index.html"
    studio.take("report", report, lambda page: page.locator("img").first.wait_for(), height=900)


def in_the_store(studio: Studio, name: str, folder: str) -> None:
    """A folder, as the store's own page lists it."""
    with camera.store_page(studio.stack, studio.browser, 880) as page:
        page.goto(f"http://{HOST}:{studio.stack.ports.s3_admin}/files?path=/buckets/{quote(folder)}")
        page.locator("table tbody tr").first.wait_for()
        camera.save(page, LESSONS / f"{name}.webp")
    say(f"learn/pictures/{name}.webp: {(LESSONS / f'{name}.webp').stat().st_size:,} bytes")


def of_the_lake(studio: Studio) -> None:
    """The page, with a run at work; and the pool, whose slots that run has."""
    stack = studio.stack
    with scenes.played(stack) as played:
        played.gate.open(0, 1, 2, 3, 4)
        while sum(ti["state"] == "success" for ti in copies(stack, played.gated)) < 5:
            time.sleep(0.5)
        studio.take("pools", "/pools", shows("copies_large"), height=560, user="admin")
        lake(studio, "/plugin/lake", "lake.webp", "light", 1000)
        assert studio.run is not None
        folder = scenes.folder(stack, studio.run)
        lake(studio, f"/plugin/lake/lake/runs/{folder}", "lake-run.webp", "dark", 760)
        measure(stack, played.refused)


def copies(stack: Stack, run: Any) -> list[dict[str, Any]]:
    return [ti for ti in stack.task_instances(run) if ti["task_id"] == "copy"]


def lake(studio: Studio, path: str, name: str, theme: str, height: int) -> None:
    """A picture of Airflow's UI with the page in it."""
    with camera.airflow(studio.stack, studio.browser, theme, height) as page:
        page.goto(f"{studio.stack.api.url}{path}")
        page.frame_locator("iframe[title=Lake]").locator("main").wait_for()
        camera.save(page, DOCS / name)
    say(f"{name}: {(DOCS / name).stat().st_size:,} bytes")


def measure(stack: Stack, run: Any) -> None:
    """How long the server takes for the page of a run of 1,000 batches, and for the list that has it."""
    before = {"the list of runs": "/lake/", "a run of 4 batches": f"/lake/runs/{scenes.folder(stack, run)}"}
    timed(stack, before)
    scenes.widen(stack, run, BATCHES)
    path = f"/lake/runs/{scenes.folder(stack, run)}"
    timed(
        stack, {f"a run of {BATCHES:,} batches": path, f"the list with {BATCHES:,} batches in it": "/lake/"}
    )


def timed(stack: Stack, paths: dict[str, str]) -> None:
    headers = {"Cookie": f"_token={camera.token(stack)}"}
    with httpx.Client(base_url=stack.api.url, headers=headers, trust_env=False) as client:
        for name, path in paths.items():
            seconds = []
            for _ in range(REQUESTS):
                begun = time.perf_counter()
                answer = client.get(path)
                answer.raise_for_status()
                seconds.append(time.perf_counter() - begun)
            typical = statistics.median(seconds) * 1000
            say(f"{name}: {typical:.0f} ms (median of {REQUESTS}), {len(answer.content):,} bytes of HTML")


if __name__ == "__main__":
    sys.exit(main())
