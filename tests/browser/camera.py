"""Pictures of pages in a real browser, as small WebP files: Airflow's UI and the store's page, signed in."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Locator, Page

from services.local.home import Credentials
from services.local.ports import HOST
from services.local.stack import Stack
from tests.browser import scenes

WIDTH = 1280
QUALITY = 85
SETTLED = 1_500  # ms: icons, and the graph's own movement


def token(stack: Stack, user: str = "reader") -> str:
    """Of Airflow's login."""
    login = {"username": user, "password": scenes.password(stack, user)}
    answer = httpx.post(f"{stack.api.url}/auth/token", json=login, trust_env=False)
    return str(answer.json()["access_token"])


def save(page: Page, path: Path, part: Locator | None = None) -> None:
    """The visible page, or the part of it. Chromium writes WebP, which Playwright cannot ask it for."""
    page.wait_for_timeout(SETTLED)
    request: dict[str, Any] = {"format": "webp", "quality": QUALITY}
    if part is not None:
        request["clip"] = {**(part.bounding_box() or {}), "scale": 1}
    data = page.context.new_cdp_session(page).send("Page.captureScreenshot", request)["data"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(data))


@contextmanager
def airflow(
    stack: Stack, browser: Browser, theme: str, height: int, view: str = "grid", user: str = "reader"
) -> Iterator[Page]:
    """An empty window of a user who is signed in. `view`: what a DAG's page shows, "grid" or "graph"."""
    context = browser.new_context(viewport={"width": WIDTH, "height": height})
    context.add_cookies([{"name": "_token", "value": token(stack, user), "url": stack.api.url}])
    kept = {"theme": theme, "default_dag_view": json.dumps(view)}
    context.add_init_script(
        ";".join(
            f"localStorage.setItem({json.dumps(name)}, {json.dumps(value)})" for name, value in kept.items()
        )
    )
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def store_page(stack: Stack, browser: Browser, height: int) -> Iterator[Page]:
    """A window of the store's admin page, signed in."""
    context = browser.new_context(viewport={"width": WIDTH, "height": height})
    page = context.new_page()
    page.goto(f"http://{HOST}:{stack.ports.s3_admin}/login")
    page.fill("#username", "admin")
    page.fill("#password", Credentials.load(stack.home).s3_admin_password)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin")
    try:
        yield page
    finally:
        context.close()
