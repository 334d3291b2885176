"""Written: a dataset's settings as a DAG file, and what was found as text."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from include.transfer.probe.search import PROBED, Found
from include.transfer.source.styles import PAGINGS

_WIDTH = 96


def settings_json(settings: Mapping[str, Any]) -> str:
    """As the form of api_to_s3 takes it."""
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"


def dag_file(settings: Mapping[str, Any]) -> str:
    """One file for dags/: the dataset with its schedule."""
    name = settings["name"].replace("-", "_")
    name = name if name[0].isalpha() else f"copy_{name}"
    style = PAGINGS[settings["paging"]["style"]].__name__
    constant = name.upper()
    arguments = "".join(_argument(key, value, style) for key, value in settings.items())
    return f'''"""{settings["name"]}, copied every night."""

from datetime import datetime

from airflow.sdk import dag

from include.lake import Dataset, {style}, copy_to_lake, form

{constant} = Dataset(
{arguments})


@dag(
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params=form({constant}),
    doc_md=__doc__,
)
def {name}_to_s3() -> None:
    copy_to_lake({constant}, pool="copies_small")


{name}_to_s3()
'''


def _argument(key: str, value: Any, style: str) -> str:
    if key == "paging":
        given = ", ".join(f"{name}={_literal(each)}" for name, each in value.items() if name != "style")
        return f"    paging={style}({given}),\n"
    line = f"    {key}={_literal(value)},\n"
    if len(line) <= _WIDTH or not isinstance(value, dict):
        return line
    lines = "".join(f"        {_literal(name)}: {_literal(each)},\n" for name, each in value.items())
    return f"    {key}={{\n{lines}    }},\n"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)


def report(found: Found, out: str = "") -> str:
    """What was found, and the next command. `out`: the file that the settings were written to."""
    return "\n".join(_report(found, out)) + "\n"


def _report(found: Found, out: str) -> Iterator[str]:
    settings, proven = found.settings, found.proven
    yield f"rows         {'not known: the API does not say' if proven.rows is None else f'{proven.rows:,}'}"
    yield f"paging       {json.dumps(settings['paging'], ensure_ascii=False)}"
    yield f"total        {settings['total']}" + (
        f" of {settings['count_path']}" if "count_path" in settings else ""
    )
    once = "" if settings.get("duplicates") == "allow" else ", none of them twice"
    read = f"{len(proven.sample):,} rows read with these settings{once}: {', '.join(proven.parts)}"
    yield f"proven       {read}"
    for title, lines in (("seen", found.notes.seen), ("not told", found.notes.unclear)):
        for number, line in enumerate(lines):
            yield f"{'' if number else title:<12} {line}"
    if settings.get("types"):
        width = max(map(len, settings["types"]))
        yield "\nContract (column, type):\n"
        yield from (f"  {name:<{width}}  {kind}" for name, kind in settings["types"].items())
    yield f"\nSettings, the conf of api_to_s3{f', written to {out}' if out else ''}:\n"
    yield settings_json(settings)
    yield f"With a schedule, as dags/{settings['name'].replace('-', '_')}_to_s3.py:\n"
    yield dag_file(settings)
    yield from _next(found, out)


def _next(found: Found, out: str) -> Iterator[str]:
    file = out or "settings.json"
    api = f" API={found.base_url}" if found.settings["conn_id"] == PROBED else ""
    yield f"Copy it now: make run DAG=api_to_s3 CONF=@{file}{api}"
