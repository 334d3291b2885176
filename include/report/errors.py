"""What can go wrong between a committed run and its report, by what to do next.

TransferError
├── Retryable
│   ├── StoreUnavailable     (of the transfer) the store did not answer
│   └── WarehouseUnavailable the warehouse could not be reached, or went away
└── Fatal
    ├── BadSettings          (of the transfer) a parameter that no report could work with
    ├── StoreRefused         (of the transfer) wrong keys, no such bucket
    ├── RunGone              there is no manifest: nothing is committed, or it was removed since
    ├── RunDamaged           manifest or objects are not what a commit wrote
    ├── WarehouseRefused     wrong login or database, no right to create, a value that it cannot hold
    └── StepFailed           the interpreter of a step ended without an answer
"""

from typing import Any

from include.transfer.errors import (
    BadSettings,
    Fatal,
    Retryable,
    StoreRefused,
    StoreUnavailable,
    TransferError,
)


class WarehouseUnavailable(Retryable):
    """The warehouse could not be reached or went away in the middle."""


class RunGone(Fatal):
    """There is no committed run where one was expected."""


class RunDamaged(Fatal):
    """A manifest, or an object that it names, is not what a commit wrote."""


class WarehouseRefused(Fatal):
    """The warehouse answered that the login or a statement is wrong."""


class StepFailed(Fatal):
    """A step's own interpreter is missing, or ended without an answer."""


_BY_NAME: dict[str, type[TransferError]] = {
    kind.__name__: kind
    for kind in (
        BadSettings,
        RunDamaged,
        RunGone,
        StoreRefused,
        StoreUnavailable,
        WarehouseRefused,
        WarehouseUnavailable,
    )
}


def told(error: TransferError) -> dict[str, str]:
    """An error as plain values: it crosses from one interpreter to another."""
    return {"failed": type(error).__name__, "text": error.message}


def answer(told: Any) -> dict[str, Any]:
    """What a step's interpreter answered; raises the error that it told of."""
    if not isinstance(told, dict):
        raise StepFailed(f"the step answered {type(told).__name__}; expected its result; see the log above")
    if "failed" in told:
        raise _BY_NAME.get(str(told["failed"]), StepFailed)(told.get("text", ""))
    return told
