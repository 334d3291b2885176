"""How a command ends: with its own status, an error that it explains, a signal, or a closed pipe."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from services.local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable


def ended(command: Callable[[], int], interrupted: str = "Interrupted.") -> int:
    """Run the command; returns the process's exit status, with the reason on stderr.

    A CI job that is cancelled and a terminal that is closed end it as Ctrl-C does, so that all that it has
    started is stopped; a shell's background job begins with Ctrl-C ignored.
    """
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        return command()
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Python would complain of it once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
