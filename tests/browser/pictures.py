"""Take the pictures of docs/ anew, from a real run of everything; and time the page with 1,000 batches.

make pictures
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from services.local.stack import Stack
from tests.browser import chromium, scenes

DOCS = Path(__file__).parents[2] / "docs"
REQUESTS = 20
BATCHES = 1_000


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Exit status 1 where there is no browser."""
    if chromium.find() is None:
        say(chromium.HOW_TO)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as home,
        Stack(Path(home), env_overrides=scenes.environment()) as stack,
    ):
        large = stack.trigger("wildfires_to_s3", {"batch_size": 500, "format": "parquet"})
        stack.wait(large)
        with scenes.played(stack) as played:
            played.gate.open(0, 1, 2, 3, 4)
            while sum(ti["state"] == "success" for ti in copies(stack, played.gated)) < 5:
                time.sleep(0.5)
            with chromium.started() as browser:
                take(stack, browser, "/plugin/lake", "lake.png", "light", 1000)
                path = f"/plugin/lake/lake/runs/{scenes.folder(stack, large)}"
                take(stack, browser, path, "lake-run.png", "dark", 760)
            measure(stack, played.refused)
    return 0


def copies(stack: Stack, run: Any) -> list[dict[str, Any]]:
    return [ti for ti in stack.task_instances(run) if ti["task_id"] == "copy"]


def token(stack: Stack) -> str:
    login = {"username": "reader", "password": scenes.password(stack, "reader")}
    answer = httpx.post(f"{stack.api.url}/auth/token", json=login, trust_env=False)
    return str(answer.json()["access_token"])


def take(stack: Stack, browser: Any, path: str, name: str, theme: str, height: int) -> None:
    """A picture of Airflow's UI with the page in it."""
    context = browser.new_context(viewport={"width": 1280, "height": height})
    context.add_cookies([{"name": "_token", "value": token(stack), "url": stack.api.url}])
    context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    page = context.new_page()
    page.goto(f"{stack.api.url}{path}")
    page.frame_locator("iframe[title=Lake]").locator("main").wait_for()
    page.wait_for_timeout(2_500)  # Airflow's own navigation and icons
    page.screenshot(path=DOCS / name)
    context.close()
    say(f"{DOCS / name}: {(DOCS / name).stat().st_size:,} bytes")


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
    headers = {"Cookie": f"_token={token(stack)}"}
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
