"""What can go wrong with the stack, named by what a user does next.

StackError                 its text says what happened, what was expected, and what to do
├── NotReady               a service did not come up in time: the text ends with the tail of its log
├── SettingsError          airflow_settings.yaml cannot be used
├── Busy                   another command works in this folder
└── RunFailed              Airflow ended the run without success
"""

from __future__ import annotations


class StackError(Exception):
    """Shown to users without a traceback."""

    exit_status = 1


class NotReady(StackError):
    pass


class SettingsError(StackError):
    pass


class Busy(StackError):
    pass


class RunFailed(StackError):
    pass
