"""`make doctor` on a real stack: it finds nothing where all is well, and names a pool that is missing."""

from services.local.doctor import Row
from tests.faults.arena import Arena


def examined(place: Arena) -> list[Row]:
    from services.local.doctor import examine
    from services.local.progress import Progress

    return examine(place.stack, Progress())


def test_nothing_to_fix(place):
    rows = examined(place)
    assert [row for row in rows if row[2]] == []
    checked = {row[0] for row in rows}
    assert {"disk", "scheduler", "dag processor", "pool copies_small", "pool copies_large"} <= checked
    assert {
        "count",
        "first row",
        "multipart",
        "clock of the store",
        "clock of the source",
    } <= checked


def test_a_missing_pool_a_wrong_host_and_a_wrong_key(place):
    api = place.stack.api
    source = api.request("GET", "/connections/wildfires_api")
    store = api.request("GET", "/connections/locals3")
    api.request("DELETE", "/pools/copies_large")
    api.request("PATCH", "/connections/wildfires_api", json=of(source) | {"port": 9})
    api.request("PATCH", "/connections/locals3", json=of(store) | {"login": "another", "password": "key"})
    try:
        fixes = {check: fix for check, _, fix in examined(place) if fix}
    finally:
        place.stack.apply_settings()
    assert fixes["pool copies_large"] == 'airflow pools set copies_large 4 "copies at once"'
    assert "correct host and port of the connection wildfires_api" in fixes["source"]
    assert fixes["put"] == "correct the keys (login, password) of locals3"
    assert len(fixes) == 3


def of(connection: dict) -> dict:
    return {key: connection[key] for key in ("connection_id", "conn_type", "host", "port", "extra")}
