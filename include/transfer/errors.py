"""What can go wrong in a copy, named by what the caller should do next.

TransferError
├── Retryable              the same call may succeed later: wait, then run the task again
│   ├── SourceUnavailable  no connection, a timeout, 408, 429, 5xx or a rate limit, after the waits of
│   │                      `Patience`
│   ├── BodyBroken         an answer ended in the middle, again and again at the same row
│   │   └── BodyEmpty      an answer has no body at all
│   ├── SourceChanged      the source's version changed while one batch was read
│   ├── StoreUnavailable   the object store did not answer, or answered 5xx
│   ├── Overtaken          another attempt, or another run's retention, is at work on the same run
│   ├── NoConnection       Airflow gave no connection, and did not say whether there is one
│   └── CountLost          the process that counts the rows ended without an answer
├── Fatal                  only another setting, or a repair elsewhere, helps
│   ├── BadSettings        a value that no run could work with
│   ├── SourceRefused      the source answered 3xx (too often) or 4xx: wrong path, parameter or credentials
│   ├── NotRows            the answer is not JSON rows: an error page, other JSON, wrong encoding
│   ├── WrongRowCount      fewer or more rows than were asked for
│   ├── RowsRepeated       two requests for different rows brought the same ones
│   ├── OutOfWindow        a row lies outside of the window that was asked for
│   ├── KeyMissing         a row has no value in a column of the dataset's key
│   ├── ColumnsDiffer      a row has other columns, or values of another type, than the rows before it
│   ├── Unplanned          the run's plan cannot be read, or is of other settings
│   ├── StoreRefused       wrong keys, no such bucket, no right to write
│   └── DocumentTooLarge   a receipt or manifest has more batches or columns than a reader would take
└── Unverified             the store, the plan and the source disagree; holds every finding
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar


class TransferError(Exception):
    """Base of all errors of a copy.

    `got`: what happened or came. `where`: the request, key, batch or setting. `fix`: what to do; where an
    error does not say, its class does.
    """

    advice: ClassVar[str] = ""

    def __init__(self, got: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(got)
        self.got = got
        self.where = where
        self.fix = fix or self.advice

    def __str__(self) -> str:
        return sentence(self.where, self.got, self.fix)

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Pass every text of it through `change`."""
        self.got, self.where, self.fix = map(change, (self.got, self.where, self.fix))
        self.args = (self.got,)

    def to_dict(self) -> dict[str, Any]:
        """As it crosses from one process to another: see `told`."""
        return {"error": type(self).__name__, "got": self.got, "where": self.where, "fix": self.fix}


def sentence(where: str, got: str, fix: str) -> str:
    """Where, what and what to do, as one line."""
    return "; ".join(filter(None, (f"{where}: {got}" if where else got, fix)))


class Retryable(TransferError):
    """The same call may succeed later."""


class SourceUnavailable(Retryable):
    """The source could not be reached or was not able to answer.

    `retry_after`: seconds that the source asked to be left alone for, if it did. `status`: the answer's, if
    there was one.
    """

    advice = "the task is tried again; check that the source is up, or give the pool fewer slots"
    retry_after: float | None = None
    status: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """With the seconds that the source asked for."""
        return {**super().to_dict(), "retry_after": self.retry_after}


class BodyBroken(Retryable):
    """An answer ended before its end."""

    advice = "the task is tried again; if it breaks at the same row each time, set paging's size"


class BodyEmpty(BodyBroken):
    """An answer has no body at all."""


class SourceChanged(Retryable):
    """The source's version changed while a batch was read."""


class StoreUnavailable(Retryable):
    """The object store could not be reached or was not able to answer."""

    advice = "the task is tried again; check that the store is up and has free space"


class Overtaken(Retryable):
    """Another attempt, or another run's retention, is at work on the same run."""


class NoConnection(Retryable):
    """Airflow gave no connection of a name, and did not say that there is none: nobody may have answered."""


class CountLost(Retryable):
    """The process that counts the rows ended without an answer: it was killed, or its machine was."""

    advice = "the task is tried again; its log has what the process printed"


class Fatal(TransferError):
    """Only a change of settings, or a repair elsewhere, helps."""


class BadSettings(Fatal):
    """A setting that no run could work with."""


class SourceRefused(Fatal):
    """The source answered that the request is wrong. `status`: by this code, if it came with one."""

    status: int | None = None


class NotRows(Fatal):
    """The answer does not hold JSON rows where they should be."""

    advice = "request the same URL yourself, then correct the dataset's paths, rows_key or accept"


class WrongRowCount(Fatal):
    """The source gave fewer or more rows than were asked for."""


class RowsRepeated(Fatal):
    """Two requests for different rows brought the same ones."""


class OutOfWindow(Fatal):
    """A row lies outside of the window that was asked for."""


class KeyMissing(Fatal):
    """A row has no value in a column that should name it."""

    advice = "correct the source, or the dataset's key"


class ColumnsDiffer(Fatal):
    """A row has other columns, or values of another type, than the rows before it."""

    advice = "declare all columns in the dataset's types, or set misfit to rescue: it keeps what does not fit"


class Unplanned(Fatal):
    """The plan of a run cannot be read, or was made with other settings."""

    advice = "clear the run from plan on"


class StoreRefused(Fatal):
    """The store answered that the request is wrong. `status`, `code`: as it said, if it came with them."""

    status: int | None = None
    code: str = ""


class DocumentTooLarge(Fatal):
    """A receipt or manifest that no reader would take is not written."""


@dataclass(frozen=True)
class Finding:
    """One disagreement that a verification found: where, what is there, what to do about it."""

    where: str
    got: str
    fix: str = ""

    def __str__(self) -> str:
        return sentence(self.where, self.got, self.fix)


class Unverified(TransferError):
    """The store, the plan and the source disagree; `findings` holds every disagreement."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)
        lines = "".join(f"\n  - {finding}" for finding in self.findings)
        super().__init__(f"{len(self.findings)} finding(s), nothing is committed:{lines}")


def refuse_unknown(given: Mapping[str, Any], known: list[str], what: str) -> None:
    """Raise BadSettings for names that are not `known`, each with the nearest that is."""
    unknown = []
    for name in given:
        if name not in known:
            near = get_close_matches(str(name), known, 1, 0.5)
            unknown.append(f"{name!r} (did you mean {near[0]!r}?)" if near else repr(name))
    if unknown:
        raise BadSettings(
            f"unknown: {', '.join(unknown)}", where=what, fix=f"the known ones are {', '.join(known)}"
        )


@contextmanager
def about(what: object) -> Iterator[None]:
    """Say in every error of a copy what it is about, such as a batch; its class stays."""
    try:
        yield
    except TransferError as error:
        error.where = f"{what}: {error.where}" if error.where else str(what)
        raise


def told(answer: Mapping[str, Any]) -> TransferError | None:
    """The error that another process told of by `TransferError.to_dict`; None: it told of none."""
    if "error" not in answer:
        return None
    direct = (*Retryable.__subclasses__(), *Fatal.__subclasses__())
    kinds = {kind.__name__: kind for each in direct for kind in (each, *each.__subclasses__())}
    kind = kinds.get(str(answer["error"]), Fatal)
    got, where, fix = (str(answer.get(name, "")) for name in ("got", "where", "fix"))
    error = kind(got, where=where, fix=fix)
    if isinstance(error, SourceUnavailable):
        error.retry_after = answer.get("retry_after")
    return error
