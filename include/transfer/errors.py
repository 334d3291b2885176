"""What can go wrong in a copy, named by what the caller should do next.

TransferError
├── Retryable              the same call may succeed later: wait, then run the task again
│   ├── SourceUnavailable  no connection, a timeout, 408, 429 or 5xx, after the waits of `fetch.Patience`
│   ├── BodyBroken         an answer ended in the middle, again and again at the same row
│   ├── SourceChanged      the source's version changed while one batch was read
│   ├── StoreUnavailable   the object store did not answer, or answered 5xx
│   ├── Overtaken          another attempt, or another run's retention, is at work on the same run
│   └── NoConnection       Airflow gave no connection: there is none, or its API server did not answer
├── Fatal                  only another setting, or a repair elsewhere, helps
│   ├── BadSettings        a value that no run could work with
│   ├── SourceRefused      the source answered 3xx (too often) or 4xx: wrong path, parameter or credentials
│   ├── NotRows            the answer is not JSON rows: an error page, other JSON, wrong encoding
│   ├── WrongRowCount      fewer or more rows than were asked for
│   ├── ColumnsDiffer      a row has other columns, or values of another type, than the rows before it
│   └── StoreRefused       wrong keys, no such bucket, no right to write
└── Unverified             the store, the plan and the source disagree; holds every finding
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SECRET_NAME = re.compile(r"key|token|secret|passw|pwd|sig|auth|credential", re.IGNORECASE)


class TransferError(Exception):
    """Base of all errors of a copy. The text says what happened, what was expected and what to do.

    `advice`: what to do about any error of a class; what only one case needs stands in its message.
    """

    advice: ClassVar[str] = ""

    @property
    def message(self) -> str:
        """The text without the advice."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}" if self.advice else self.message


class Retryable(TransferError):
    """The same call may succeed later."""


class SourceUnavailable(Retryable):
    """The source could not be reached or was not able to answer.

    `retry_after`: seconds that the source asked to be left alone for, if it did.
    """

    advice = "expected an answer; the task is tried again: see that the source runs, or take fewer pool slots"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BodyBroken(Retryable):
    """An answer ended before its end."""

    advice = "expected all of it; the task is tried again: where it breaks off each time, set page_size"


class SourceChanged(Retryable):
    """The source's version changed while a batch was read."""


class StoreUnavailable(Retryable):
    """The object store could not be reached or was not able to answer."""

    advice = "expected an answer; the task is tried again: see that the store runs and has room"


class Overtaken(Retryable):
    """Another attempt, or another run's retention, is at work on the same run."""


class NoConnection(Retryable):
    """Airflow gave no connection of a name. It does not tell whether there is none or nobody to ask."""


class Fatal(TransferError):
    """Only a change of settings, or a repair elsewhere, helps."""


class BadSettings(Fatal):
    """A setting that no run could work with."""


class SourceRefused(Fatal):
    """The source answered that the request is wrong."""


class NotRows(Fatal):
    """The answer does not hold JSON rows where they should be."""

    advice = "ask for the same URL yourself, and correct the dataset's paths, rows_key or accept"


class WrongRowCount(Fatal):
    """The source gave fewer or more rows than were asked for."""


class ColumnsDiffer(Fatal):
    """A row has other columns, or values of another type, than the rows before it."""

    advice = "correct the source, or the dataset's types"


class StoreRefused(Fatal):
    """The object store answered that the request is wrong."""


class Unverified(TransferError):
    """The store, the plan and the source disagree.

    `findings` holds every disagreement as a sentence, not just the first.
    """

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = list(findings)
        lines = "".join(f"\n  - {finding}" for finding in self.findings)
        super().__init__(f"{len(self.findings)} finding(s); nothing is committed:{lines}")


@contextmanager
def about(what: object) -> Iterator[None]:
    """Begin the text of every error of a copy with what it is about, such as a batch; its class stays."""
    try:
        yield
    except TransferError as error:
        error.args = (f"{what}: {error.message}", *error.args[1:])
        raise


def redact(url: str) -> str:
    """`url` without its user, password and any query value whose name sounds like a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no IPv6 address
        return "(not a URL)"
    query = [(k, "***" if _SECRET_NAME.search(k) else v) for k, v in parse_qsl(parts.query, True)]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*,"), ""))


def secrets_in(url: str, headers: Mapping[str, str]) -> set[str]:
    """What must not be repeated of a request: credentials, as they were sent, and each word of them."""
    parts = urlsplit(url)
    found = {value for name, value in parse_qsl(parts.query) if _SECRET_NAME.search(name)}
    found |= {part for part in (parts.username, parts.password) if part}
    for name, value in headers.items():
        if _SECRET_NAME.search(name) or name.lower() == "cookie":
            found |= {value, *re.split(r"[\s;,=]+", value)}
    return {secret for secret in found if len(secret) > 3}


_TELLING = 6  # characters of a secret that may not be seen either: an excerpt can end in the middle of one


def hidden(text: str, secrets: Iterable[str]) -> str:
    """`text` with *** for every secret in it, also for one that an excerpt cuts at its end or beginning."""
    found = sorted(secrets, key=len, reverse=True)
    for secret in found:
        text = text.replace(secret, "***")
    for secret in (secret for secret in found if len(secret) > _TELLING):
        text = _without_start(text, secret)
        text = _without_start(text[::-1], secret[::-1])[::-1]
    return text


def _without_start(text: str, secret: str) -> str:
    """`text` without any longest beginning of `secret`."""
    kept, at = [], 0
    while (found := text.find(secret[:_TELLING], at)) >= 0:
        kept += [text[at:found], "***"]
        pairs = zip(text[found:], secret, strict=False)
        at = found + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return "".join([*kept, text[at:]])
