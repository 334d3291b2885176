"""`python -m include.transfer probe URL`: from a URL to the settings that copy it."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from include.transfer.errors import BadSettings, SourceUnavailable, TransferError
from include.transfer.probe.search import PROBED, probe
from include.transfer.probe.written import report, settings_json
from include.transfer.source.base_url import check_base_url, without_login
from include.transfer.source.endpoint import Endpoint
from include.transfer.source.redirects import same_origin

SOURCE = "LAKE_SOURCE"  # of the environment
DONE, NOT_FOUND = 0, 1
_ABOUT = f"""\
Asks a few requests, recognises where the rows and their number are and how the API pages, uses what it
found on the first answers, the middle and the last, and prints the settings, a DAG file and the columns.
On standard error: what was asked.

Credentials: a login in the URL, or in the environment
  {SOURCE}   the server as JSON: {{"base_url": "https://api.example.com", "headers": {{}}, "auth": null}}

exit status:
  0  found, and proven on these requests
  1  not found; the error says what to do
"""


def add_probe(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The sub-command."""
    probe = commands.add_parser(
        "probe",
        help="find out how an API is copied, by asking it",
        description="From a URL to the settings that copy it.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    probe.add_argument(
        "url", metavar="URL", help="of a list; with LAKE_SOURCE also a path below its base URL"
    )
    probe.add_argument(
        "--conn-id", default=PROBED, metavar="ID", help="the connection that the settings name"
    )
    probe.add_argument("--out", default="", metavar="FILE", help="write the settings there")
    probe.add_argument("--json", action="store_true", help="print the settings alone")
    probe.set_defaults(call=lambda chosen: _probe(chosen, os.environ))


def _probe(chosen: argparse.Namespace, environ: Mapping[str, str]) -> int:
    try:
        endpoint, path = _source(chosen.url, environ.get(SOURCE, ""))
        found = probe(endpoint, path, chosen.conn_id, _tell)
        if chosen.out:
            _write(chosen.out, settings_json(found.settings))
    except SourceUnavailable as error:
        print(
            f"\nNOT FOUND {error.where}: {error.got}; check the URL, and that the API is up", file=sys.stderr
        )
        return NOT_FOUND
    except TransferError as error:
        print(f"\nNOT FOUND {error}", file=sys.stderr)
        return NOT_FOUND
    print(file=sys.stderr)
    print(settings_json(found.settings) if chosen.json else report(found, chosen.out), end="")
    return DONE


def _source(url: str, source: str) -> tuple[Endpoint, str]:
    """The endpoint, and the path and query below it. A login in the URL wins over the endpoint's."""
    if source:
        endpoint = Endpoint.from_json(source)
        return endpoint, _below(endpoint.base_url, url)
    bare, login = without_login(url)
    parts = urlsplit(bare)
    base = f"{parts.scheme}://{parts.netloc}"
    check_base_url(base)
    return Endpoint(base, auth=login), f"{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def _below(base_url: str, url: str) -> str:
    if "://" not in url:
        return "/" + url.lstrip("/")
    bare, login = without_login(url)
    parts, base = urlsplit(bare), urlsplit(base_url)
    prefix = base.path.rstrip("/")
    if not same_origin(bare, base_url) or not f"{parts.path}/".startswith(f"{prefix}/") or login:
        raise BadSettings(
            "it is not below the connection's base URL, or has a login of its own",
            where="the URL",
            fix="give a path alone, or correct the connection's host",
        )
    path = parts.path.removeprefix(prefix) or "/"
    return path + (f"?{parts.query}" if parts.query else "")


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text)
    except OSError as error:
        raise BadSettings(f"it cannot be written: {error.strerror}", where=file) from None


def _tell(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)
