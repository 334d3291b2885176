"""A stand-in for curl on a machine that has none: the options that `count_rows` uses, and no others.

In the image curl comes from packages.txt; a developer's machine may hold only Python, make and git.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import urljoin

import requests

# curl's exit codes: https://curl.se/libcurl/c/libcurl-errors.html
COULD_NOT_CONNECT, PARTIAL, TIMED_OUT, EMPTY_REPLY, TOO_LARGE, BROKEN = 7, 18, 28, 52, 63, 56
TRANSIENT = (408, 429, 500, 502, 503, 504)


def provide(folder: Path) -> str | None:
    """Where this machine lacks curl, put one into `folder` and return the folder for PATH; else None."""
    if shutil.which("curl"):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "curl"
    root = Path(__file__).parents[2]
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n"
        f"from services.local.curl import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    program.chmod(0o755)
    return str(folder)


def main(arguments: list[str]) -> int:
    """Do one GET as curl would, asking again as often as it is told to; returns curl's exit code."""
    options = _options(arguments)
    url, headers = _configured(options.config)
    began, pause = time.monotonic(), 1.0
    for left in range(options.retry, -1, -1):
        answer, code, error = _ask(url, headers, options)
        wait = max(pause, _retry_after(answer))
        passing = answer.status_code in TRANSIENT if answer is not None else options.retry_all_errors
        in_time = time.monotonic() - began + wait <= options.retry_max_time
        if not (left and passing and in_time):
            break
        time.sleep(wait)
        pause *= 2
    if answer is None:
        print(f"curl: ({code}) {error}", file=sys.stderr)
        return code
    # What curl says of a redirect that it was not told to follow.
    target = requests.Session().get_redirect_target(answer)
    sys.stdout.write(options.write_out.replace("%{redirect_url}", urljoin(url, target) if target else ""))
    return 0


def _ask(
    url: str, headers: dict[str, str], options: argparse.Namespace
) -> tuple[requests.Response | None, int, object]:
    """One attempt: the answer, whose head and body are in their files, or curl's code and what went wrong."""
    session = requests.Session()
    session.trust_env = False
    limits = (options.connect_timeout, options.max_time)
    try:
        answer = session.get(url, headers=headers, timeout=limits, stream=True, allow_redirects=False)
        with options.dump_header.open("ab") as head:
            head.write(_head(answer))
        with answer, options.output.open("wb") as body:
            for piece in answer.iter_content(64 << 10):
                if body.tell() + len(piece) > options.max_filesize:
                    return None, TOO_LARGE, "Maximum file size exceeded"
                body.write(piece)
    except requests.exceptions.Timeout as error:
        return None, TIMED_OUT, error
    except requests.exceptions.ChunkedEncodingError as error:
        return None, PARTIAL, error
    except requests.exceptions.RequestException as error:
        broken = "RemoteDisconnected" in str(error), "reset by peer" in str(error)
        return None, EMPTY_REPLY if broken[0] else BROKEN if broken[1] else COULD_NOT_CONNECT, error
    return answer, 0, ""


def _retry_after(answer: requests.Response | None) -> float:
    value = answer.headers.get("Retry-After", "") if answer is not None else ""
    return float(value) if value.isdigit() else 0.0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="curl", description=__doc__, allow_abbrev=False)
    for flag in ("--silent", "--show-error", "--retry-all-errors"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--retry", type=int, default=0)
    parser.add_argument("--retry-max-time", type=int, default=600)
    parser.add_argument("--connect-timeout", type=float)
    parser.add_argument("--max-time", type=float)
    parser.add_argument("--max-filesize", type=int, default=sys.maxsize)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--dump-header", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--write-out", default="")
    return parser.parse_args(arguments)


def _configured(config: Path) -> tuple[str, dict[str, str]]:
    """The `url = "…"` and the `header = "Name: value"` lines of the file; curl quotes them as JSON does."""
    url, headers = "", {"User-Agent": "curl-stand-in"}
    for line in config.read_text().splitlines():
        key, _, value = line.partition(" = ")
        if key == "url":
            url = json.loads(value)
        elif key == "header":
            name, _, text = json.loads(value).partition(":")
            headers[name.strip()] = text.strip()
    return url, headers


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
