"""Chromium as the system has it, started for tests: offline, with nothing of a user's profile."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW_TO = (
    "no Chromium: install it (Debian, Ubuntu: apt install chromium fonts-liberation), "
    "or name one: CHROMIUM=/path/to/chromium make test-all"
)
# No sandbox: containers and root lack the kernel's rights for it, and nothing foreign is opened.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str | None:
    """The browser's program, or None."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def started() -> Iterator[Browser]:
    """A running browser."""
    from playwright.sync_api import sync_playwright

    program = find()
    if program is None:
        raise FileNotFoundError(HOW_TO)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
