"""A stand-in for curl on a machine that has none: the options that `count_rows` uses, and no others.

In the image curl comes from packages.txt; a developer's machine may hold only Python, make and git.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import requests
from urllib3.util import Retry

# curl's exit codes: https://curl.se/libcurl/c/libcurl-errors.html
COULD_NOT_CONNECT, HTTP_ERROR, TIMED_OUT, TOO_MANY_REDIRECTS = 7, 22, 28, 47


def provide(folder: Path) -> str | None:
    """Where this machine lacks curl, put one into `folder` and return the folder for PATH; else None."""
    if shutil.which("curl"):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "curl"
    root = Path(__file__).parents[2]
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n"
        f"from services.stack.curl import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    program.chmod(0o755)
    return str(folder)


def main(arguments: list[str]) -> int:
    """Do one GET as curl would; returns curl's exit code."""
    options = _options(arguments)
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = options.max_redirs
    retry = Retry(
        total=options.retry,
        status_forcelist=[408, 429, 500, 502, 503, 504],
        raise_on_status=False,
        retry_after_max=options.retry_max_time,
    )
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
    session.mount("https://", requests.adapters.HTTPAdapter(max_retries=retry))
    limits = (options.connect_timeout, options.max_time)
    try:
        answer = session.get(options.url, headers=_headers(options.config), timeout=limits)
    except requests.exceptions.TooManyRedirects as error:
        return _failed(TOO_MANY_REDIRECTS, error)
    except requests.exceptions.Timeout as error:
        return _failed(TIMED_OUT, error)
    except requests.exceptions.RequestException as error:
        return _failed(COULD_NOT_CONNECT, error)
    _write(options.dump_header, _head(answer))
    if answer.status_code >= 400:
        return _failed(HTTP_ERROR, f"The requested URL returned error: {answer.status_code}")
    _write(options.output, answer.content)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="curl", description=__doc__, allow_abbrev=False)
    for flag in ("--fail", "--silent", "--show-error", "--location", "--retry-connrefused"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--max-redirs", type=int, default=50)
    parser.add_argument("--retry", type=int, default=0)
    parser.add_argument("--retry-max-time", type=int, default=600)
    parser.add_argument("--connect-timeout", type=float)
    parser.add_argument("--max-time", type=float)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--dump-header")
    parser.add_argument("--output", default="-")
    parser.add_argument("url")
    return parser.parse_args(arguments)


def _headers(config: Path | None) -> dict[str, str]:
    """The `header = "Name: value"` lines of a configuration file; curl quotes them as JSON does."""
    headers = {"User-Agent": "curl-stand-in"}
    for line in config.read_text().splitlines() if config else ():
        name, _, value = json.loads(line.partition("=")[2]).partition(":")
        headers[name.strip()] = value.strip()
    return headers


def _head(answer: requests.Response) -> bytes:
    lines = [f"HTTP/1.1 {answer.status_code} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _write(where: str | None, data: bytes) -> None:
    if where == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif where:
        Path(where).write_bytes(data)


def _failed(code: int, error: object) -> int:
    print(f"curl: ({code}) {error}", file=sys.stderr)
    return code
