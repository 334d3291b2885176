"""The count by curl: the command that a bash task runs, what curl is told in private, and what it answered.

    python -m include.transfer.source.curl headers body --total body:meta.total --version-header ETag

reads the answer that curl left in the two files and prints nothing of it but `{"rows": …, "version": …}`:
what a task prints is kept in Airflow's log and database.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from include.transfer.dataset import Dataset
from include.transfer.errors import SourceRefused, TransferError, hidden, redact, secrets_in
from include.transfer.source.count import LARGEST_COUNT_BYTES, read_count
from include.transfer.source.status_hints import hint_for

# Where the command finds what neither Airflow's pages nor a list of processes may show.
URL, HEADERS = "COUNT_URL", "COUNT_HEADERS"

_COMMAND = r"""set -eo pipefail
origin() {{ printf '%s' "$1" | sed -E 's|^([^/]*//[^/?#]*).*|\1|'; }}
url=$COUNT_URL headers=$COUNT_HEADERS
for _ in 1 2 3 4 5 6; do
  rm -f head body
  # Not --location: curl would send every header of the connection on to another host.
  # Not --fail: with --retry-all-errors a wrong path would be asked for six times; the status is in the head.
  next=$(curl --silent --show-error --connect-timeout 10 --max-time 60 --max-filesize {largest} \
    --retry 5 --retry-all-errors --retry-max-time 120 \
    --config <(printf 'url = "%s"\n%s' "$url" "$headers") \
    --dump-header head --output body --write-out '%{{redirect_url}}')
  if [ -z "$next" ]; then break; fi
  if [ "$(origin "$next")" != "$(origin "$url")" ]; then headers=; fi
  url=$next
done
PYTHONPATH={root} {python} -m include.transfer.source.curl head body {options}
"""


def command(dataset: Dataset, root: Path, python: str = sys.executable) -> str:
    """Bash that counts the dataset's rows and prints the count; needs `URL` and `HEADERS` in its environment.

    `root`: the folder that holds `include/`. curl is 7.71 or newer (2020).
    """
    options = ["--total", dataset.total]
    options += ["--version-header", dataset.version_header] if dataset.version_header else []
    return _COMMAND.format(
        largest=LARGEST_COUNT_BYTES,
        root=shlex.quote(str(root)),
        python=shlex.quote(python),
        options=shlex.join(options),
    )


def configuration(headers: Mapping[str, str]) -> str:
    """Headers as lines of a configuration file of curl's, which quotes as JSON does."""
    lines = (f"{name}: {value}" for name, value in headers.items())
    return "".join(f"header = {json.dumps(line, ensure_ascii=False)}\n" for line in lines)


def read_answer(head: str, body: bytes, dataset: Dataset, url: str) -> dict[str, object]:
    """The count in an answer; `head` holds the headers of every attempt, and the last one's count.

    Raises SourceRefused for a status other than 200, NotRows where the number is not there.
    """
    status, headers = _last_head(head)
    where = redact(url)
    if status != 200:
        raise SourceRefused(f"GET {where}: status {status}; expected 200; {hint_for(status)}")
    count = read_count(body, headers, dataset, where)
    return {"rows": count.rows, "version": count.version}


def _last_head(head: str) -> tuple[int, dict[str, str]]:
    status = 0
    headers: dict[str, str] = {}
    for line in head.splitlines():
        if line.startswith("HTTP/"):
            words = line.split()
            status, headers = int(words[1]) if words[1:] and words[1].isdigit() else 0, {}
        elif ":" in line:
            name, _, value = line.partition(":")
            headers[name.strip()] = value.strip()
    return status, headers


def _sent() -> tuple[str, dict[str, str]]:
    """The URL that was asked, and the headers that were sent with it."""
    lines = os.environ.get(HEADERS, "").splitlines()
    pairs = (json.loads(line.partition("=")[2]).partition(": ") for line in lines)
    return os.environ.get(URL, ""), {name: value for name, _, value in pairs}


def main(arguments: Sequence[str]) -> int:
    """Print the count as one line of JSON and return 0; say what is wrong and return 1."""
    parser = argparse.ArgumentParser(prog="python -m include.transfer.source.curl", description=__doc__)
    parser.add_argument("head", type=Path, help="the headers that curl received (--dump-header)")
    parser.add_argument("body", type=Path, help="the body that curl received (--output)")
    parser.add_argument("--total", default="body", help="where the number is (default: %(default)s)")
    parser.add_argument("--version-header", default="", help="the header that names the version")
    options = parser.parse_args(arguments)
    dataset = Dataset(name="counted", total=options.total, version_header=options.version_header)
    url, headers = _sent()
    head, body = (path.read_bytes() if path.exists() else b"" for path in (options.head, options.body))
    try:
        count = read_answer(head.decode("latin-1"), body, dataset, url)
    except TransferError as error:
        text = hidden(error.message, secrets_in(url, headers))
        sys.stderr.write(f"{type(error).__name__}: {text}\n")
        return 1
    sys.stdout.write(json.dumps(count) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
