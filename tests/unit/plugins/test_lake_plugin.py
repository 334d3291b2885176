"""The plugin as Airflow loads it: in every process, cheaply, and without breaking anything."""

import asyncio
import json
import subprocess
import sys

import pytest

from tests.project_files import PROJECT

LOAD = """
import json, sys
from airflow.{where} import plugins_manager as manager
before = set(sys.modules)
# The folder alone: plugins that packages bring along are none of ours.
plugins, errors = manager._load_plugins_from_plugin_directory("plugins")
new = sorted(set(sys.modules) - before)
(lake,) = [plugin for plugin in plugins if plugin.name == "lake"]
print(json.dumps({{"errors": errors, "new": new, "views": lake.external_views}}))
"""


@pytest.mark.parametrize("where", ["sdk", ""], ids=["in a task", "in a server"])
def test_airflow_loads_the_plugin_and_nothing_with_it(where):
    script = LOAD.format(where=where).replace("airflow. import", "airflow import")
    ran = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["errors"] == {}
    heavy = ("fastapi", "jinja2", "minio", "sqlalchemy", "include", "plugins", "airflow.providers.amazon")
    assert [name for name in found["new"] if name.split(".")[0] in heavy or name in heavy] == []
    assert "lake_plugin" in found["new"]
    assert not {"app", "pages", "queries", "__init__"} & set(found["new"])
    (view,) = found["views"]
    assert (view["url_route"], view["href"]) == ("lake", "lake/")


def ask(app, kind="http"):
    """What an app answers to GET /lake/: status, headers and body."""
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    asyncio.run(app({"type": kind, "method": "GET", "path": "/lake/"}, receive, send))
    return sent


def test_a_missing_package_is_told_on_the_page_and_airflow_goes_on(monkeypatch):
    from plugins.lake_plugin import LazyApp

    app = LazyApp()
    monkeypatch.setitem(sys.modules, "plugins.lake_app.app", None)
    start, body = ask(app)
    assert start["status"] == 503
    assert b"default-src 'none'" in dict(start["headers"])[b"content-security-policy"]
    assert "plugins.lake_app.app" in body["body"].decode()
    assert "requirements.txt" in body["body"].decode()
    assert ask(app, "websocket") == []
    # Asked again once it is there, it is served: no restart of what already runs is lost.
    monkeypatch.undo()
    assert app._app is None
