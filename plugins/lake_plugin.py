"""The view "Lake" in Airflow's UI: what every copy put into the lake, and how runs get on.

Every Airflow process imports this file, tasks too: so nothing is imported here, nor built, before the first
request, and whatever is missing then is said on the page instead of breaking Airflow.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]


class LazyApp:
    """An ASGI app that is made when it is first asked for something."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if self._app is None:
            try:
                from plugins.lake_app.app import make_app

                self._app = make_app()
            except Exception as error:  # a missing package, a broken file: Airflow goes on without the page
                log.exception("The page of the lake cannot be loaded")
                missing = error.name if isinstance(error, ImportError) else ""
                await _unavailable(scope, send, f"{type(error).__name__} {missing or ''}".strip())
                return
        await self._app(scope, receive, send)


async def _unavailable(scope: Message, send: Callable[[Message], Awaitable[None]], reason: str) -> None:
    if scope["type"] != "http":
        return
    text = (
        f"The page of the lake cannot be loaded ({reason}).\n"
        "Airflow and the copies are not affected. Install the project's requirements.txt where the API "
        "server runs, see that the project's folder is on PYTHONPATH, and restart the API server. Its log "
        "says more."
    )
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'self'"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


class LakePlugin(AirflowPlugin):
    """Registers the app below /lake and its entry in the navigation."""

    name = "lake"
    fastapi_apps = [{"app": LazyApp(), "url_prefix": "/lake", "name": "Lake"}]  # noqa: RUF012 (so does Airflow's class)
    # Relative: Airflow may be served below a path of its own.
    external_views = [  # noqa: RUF012
        {
            "name": "Lake",
            "href": "lake/",
            "url_route": "lake",
            "destination": "nav",
            "nav_top_level": True,
            "icon": "lake/static/icon.svg",
        }
    ]
