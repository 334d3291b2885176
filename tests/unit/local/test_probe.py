"""`make probe`, and `make run CONF=@file API=…`: a URL becomes settings, settings a run."""

import json
import os
import subprocess
import sys

import pytest

from services.local.errors import StackError
from services.local.home import PROJECT
from services.local.run_once import conf_of, probed

SECRET = "s3cr3t-of-the-source"
MAKE = ["make", "--eval", 'shown: ; @printf %s "$$URL"', "shown"]


def make_probe(tmp_path, *arguments, **environ):
    """The command behind `make probe`, with no stack that is up."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "LAKE_"))}
    return subprocess.run(
        [sys.executable, "-m", "services.local", "probe", *arguments],
        env=kept | {"STACK_HOME": str(tmp_path / "stack"), "HOME": str(tmp_path), "NO_PROXY": "*"} | environ,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_a_connection_is_used_and_not_shown(source, tmp_path):
    served = source(lambda n: {"id": n}, count=90, rows_key="items", total_key="total", bearer=SECRET)
    connection = {
        "conn_type": "http",
        "host": served.url,
        "extra": {"Authorization": f"Bearer {SECRET}"},
    }
    file = tmp_path / "settings.json"
    done = make_probe(
        tmp_path,
        *("--conn", "my_api", "--out", str(file), "--", f"{served.url}/api/get"),
        AIRFLOW_CONN_MY_API=json.dumps(connection),
    )
    assert done.returncode == 0, done.stderr
    settings = conf_of(f"@{file}")
    assert (settings["conn_id"], settings["total"]) == ("my_api", "body:total")
    assert SECRET not in done.stdout + done.stderr + file.read_text()
    assert not (tmp_path / "airflow").exists()  # where Airflow would keep its settings, asked without a home


def test_a_connection_that_nobody_has(tmp_path):
    done = make_probe(tmp_path, "--conn", "nobodys", "--", "http://127.0.0.1:9/x")
    assert (done.returncode, done.stdout) == (1, "")
    assert "wildfires_api" in done.stderr


def test_without_a_url(tmp_path):
    assert make_probe(tmp_path, "--", "").returncode == 1


@pytest.mark.parametrize("url", ["https://x/a?$skip=20&$top=10", "https://x/'a b'"])
def test_make_hands_a_url_on_as_it_was_given(url):
    done = subprocess.run([*MAKE, f"URL={url}"], cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, url)


def test_a_conf_of_a_file(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text('{"name": "fires"}')
    assert conf_of(f"@{file}") == conf_of('{"name": "fires"}') == {"name": "fires"}


@pytest.mark.parametrize("content", [None, b"\xff", b"[1]", b"{"])
def test_a_file_that_holds_no_conf(tmp_path, content):
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StackError):
        conf_of(f"@{file}")


def test_the_connection_of_a_base_url():
    connection = probed("https://api.example.com/v2")
    assert (connection.conn_id, connection.fields["host"]) == ("probed_api", "https://api.example.com/v2")


@pytest.mark.parametrize(
    "url", ["api.example.com", "ftp://x", "https://x/a?b=1", f"https://me:{SECRET}@x", "https://"]
)
def test_what_no_connection_is_made_of(url):
    with pytest.raises(StackError) as raised:
        probed(url)
    assert SECRET not in str(raised.value)
