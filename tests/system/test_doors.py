"""The doors of the local stack: it listens on this machine alone, and refuses whoever has not the keys."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from services.local.stack import Stack
from tests.long import traces


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    from services.local.stack import Stack

    # "up": with everything that `make up` starts.
    with Stack(tmp_path_factory.mktemp("doors") / "home", mode="up") as running:
        yield running


def listening(stack: Stack) -> set[tuple[str, int]]:
    """(address, port) of every TCP socket on which a process of the stack listens, or UDP port it holds."""
    import psutil

    from services.local.cleanup import marked_processes, orphaned_postmaster

    processes = marked_processes(stack.home)
    processes += [each for each in [orphaned_postmaster(stack.home)] if each]
    found = set()
    for process in processes:
        try:
            sockets = process.net_connections("inet")
        except psutil.Error:  # a task that has just ended
            continue
        for each in sockets:
            if each.status in (psutil.CONN_LISTEN, psutil.CONN_NONE) and each.laddr:
                found.add((each.laddr.ip, each.laddr.port))
    return found


def test_every_process_listens_on_this_machine_alone(stack):
    assert {info["statename"] for info in stack.supervisor.states().values()} == {"RUNNING"}
    found = listening(stack)
    ports = {port for _, port in found}
    inner = json.loads((stack.home.root / "s3_ports.json").read_text())["inner"]
    assert {*asdict(stack.ports).values(), stack.ports.s3_admin + 10_000, *inner} <= ports
    assert {address for address, _ in found} <= {"127.0.0.1", "::1"}


def test_supervisord_listens_on_a_socket_of_its_owner_alone(stack):
    assert stack.home.socket.stat().st_mode & 0o077 == 0
    assert "inet_http_server" not in (stack.home.root / "supervisord.conf").read_text()


def test_secrets_are_in_files_of_their_owner_alone(stack):
    assert stack.home.root.stat().st_mode & 0o077 == 0
    holding = {place for _, place in traces.finds(traces.generated(stack), traces.in_files(stack.home.root))}
    assert {"file secrets.json", "file supervisord.conf", "file airflow/passwords.json"} <= holding
    readable = [
        place for place in holding if (stack.home.root / place.removeprefix("file ")).stat().st_mode & 0o077
    ]
    assert readable == []


def minio_client(stack: Stack, access: str | None, secret: str | None) -> Any:
    import minio

    return minio.Minio(f"127.0.0.1:{stack.ports.s3}", access, secret, secure=False, region="us-east-1")


@pytest.mark.parametrize("who", ["nobody", "somebody else", "the right name with a wrong key"])
def test_the_store_refuses_whoever_has_not_its_keys(stack, who):
    import minio

    from services.local.home import Credentials

    right = Credentials.load(stack.home).s3_access_key
    name = {"nobody": None, "somebody else": "ANOTHER"}.get(who, right)
    client = minio_client(stack, name, name and "not-the-key")
    for ask in (
        lambda: list(client.list_objects("task-mapping-api-data")),
        lambda: client.get_object("task-mapping-api-data", "any"),
        lambda: client.remove_object("task-mapping-api-data", "any"),
        client.list_buckets,
    ):
        with pytest.raises(minio.error.S3Error) as refused:
            ask()
        assert refused.value.code in ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch")


def test_pages_and_apis_refuse_without_login(stack):
    import httpx

    with httpx.Client(trust_env=False, timeout=20) as client:
        admin = f"http://127.0.0.1:{stack.ports.s3_admin}"
        for path in ("/", "/object-store/buckets", "/api/config", "/files"):
            answer = client.get(admin + path)
            assert answer.status_code in (401, 403) or "login" in answer.headers.get("Location", ""), path
        airflow = f"http://127.0.0.1:{stack.ports.airflow}"
        for path in ("connections", "dags", "variables", "eventLogs"):
            assert client.get(f"{airflow}/api/v2/{path}").status_code == 401, path
        wrong = {"username": "admin", "password": "admin"}
        assert client.post(f"{airflow}/auth/token", json=wrong).status_code == 401
        forged = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."}
        assert client.get(f"{airflow}/api/v2/dags", headers=forged).status_code in (401, 403)


def test_airflows_command_line_reaches_what_is_up(stack, monkeypatch, capfd):
    from services.local import commands

    monkeypatch.setenv("STACK_HOME", str(stack.home.root))
    assert commands.airflow(["pools", "list", "--output", "json"]) == 0
    assert {"copies_small", "copies_large"} <= {pool["pool"] for pool in json.loads(capfd.readouterr().out)}


@pytest.mark.parametrize("password", ["", "airflow"])
def test_the_database_refuses_without_its_password(stack, password):
    import psycopg

    kept = {name: os.environ.pop(name) for name in ("PGPASSWORD", "PGPASSFILE") if name in os.environ}
    try:
        with pytest.raises(psycopg.OperationalError, match=re.compile("password", re.IGNORECASE)):
            psycopg.connect(traces.database(stack, password), connect_timeout=5)
    finally:
        os.environ.update(kept)
