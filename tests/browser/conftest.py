"""One Airflow with runs of every kind, and a browser that looks at its page.

Both end with the tests of this package: what runs later needs the machine.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from services.local.stack import Stack
from tests.browser import chromium
from tests.browser.scenes import Scenes, environment, password, played


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; skips where none is installed."""
    if chromium.find() is None:
        pytest.skip(chromium.HOW_TO)
    with chromium.started() as running:
        yield running


@pytest.fixture(scope="package")
def stack(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real thing, with users of several rights; not started where there is no browser to look at it."""
    with Stack(tmp_path_factory.mktemp("page"), env_overrides=environment()) as running:
        yield running


@pytest.fixture(scope="package")
def scenes(stack: Stack) -> Iterator[Scenes]:
    with played(stack) as runs:
        yield runs


class Visit:
    """A page of the stack's Airflow in a browser window of its own, and what happened in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", lambda message: self._complain(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._note(request.url))

    def _complain(self, kind: str, text: str) -> None:
        # Airflow frames the page with both rights; the browser remarks on that.
        if kind in ("error", "warning") and "can escape its sandboxing" not in text:
            self.complaints.append(text)

    def _note(self, url: str) -> None:
        if not url.startswith(("data:", "blob:")) and urlsplit(url).netloc != urlsplit(self.url).netloc:
            self.elsewhere.append(url)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.url}{path}")
        return self.page

    def framed(self, path: str = "") -> Any:
        """The page inside Airflow's UI, as a frame."""
        self.page.goto(f"{self.url}/plugin/lake{path}")
        frame = self.page.frame_locator("iframe[title=Lake]")
        frame.locator("main").wait_for()
        return frame


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Callable[..., Visit]]:
    """`visit("reader", theme="dark", width=400)`: a window of that user, closed when the test ends."""
    with ExitStack() as closed:

        def opened(user: str | None = "admin", theme: str = "", width: int = 1280, **settings: Any) -> Visit:
            context = browser.new_context(viewport={"width": width, "height": 800}, **settings)
            closed.callback(context.close)
            url = stack.api.url
            if user:
                login = {"username": user, "password": password(stack, user)}
                token = context.request.post(f"{url}/auth/token", data=login).json()["access_token"]
                context.add_cookies([{"name": "_token", "value": token, "url": url}])
            if theme:
                context.add_init_script(f"if (!localStorage.theme) localStorage.setItem('theme', '{theme}')")
            return Visit(context.new_page(), url)

        yield opened
