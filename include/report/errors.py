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

from include.transfer.errors import Fatal, Retryable, told


class WarehouseUnavailable(Retryable):
    """The warehouse could not be reached or went away in the middle."""


class RunGone(Fatal):
    """There is no committed run where one was expected."""


class RunDamaged(Fatal):
    """A manifest, or an object that it names, is not what a commit wrote."""

    advice = "nothing is loaded; copy the dataset again"


class WarehouseRefused(Fatal):
    """The warehouse answered that the login or a statement is wrong."""


class StepFailed(Fatal):
    """A step's own interpreter is missing, or ended without an answer."""


def answer(result: Any) -> dict[str, Any]:
    """What a step's interpreter answered; raises the error that it told of."""
    if not isinstance(result, dict):
        raise StepFailed(f"the step answered {type(result).__name__}", fix="read the log above")
    if error := told(result):
        raise error
    return result
