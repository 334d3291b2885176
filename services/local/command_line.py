"""A command line made of functions: their parameters are its options, what they return is the exit status."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Sequence
from typing import cast

import typer

from services.local.ending import ended

# click's UsageError, of which typer brings its own copy
WRONG_USAGE = cast("type[typer.BadParameter]", typer.BadParameter.__base__)


def command_line(
    about: str | None,
    commands: Sequence[Callable[..., int]],
    passing_on: Sequence[Callable[..., int]] = (),
    interrupted: str = "Interrupted.",
) -> Callable[[Sequence[str] | None], int]:
    """`main(arguments)` with a sub-command for each function; those of `passing_on` get all options too."""
    app = typer.Typer(help=about, add_completion=False, pretty_exceptions_enable=False)
    for command in commands:
        app.command()(_ending(command, interrupted))
    for command in passing_on:
        unread = {"ignore_unknown_options": True, "help_option_names": []}
        app.command(context_settings=unread)(_ending(command, interrupted))

    def main(arguments: Sequence[str] | None = None) -> int:
        try:
            status = app(args=arguments, standalone_mode=False)
        except WRONG_USAGE as error:
            print(f"\n{as_variables(error.format_message())}", file=sys.stderr)
            return 2
        except SystemExit as end:
            return int(end.code or 0)
        return int(status or 0)

    return main


def as_variables(text: str) -> str:
    """What a command line says of its options, in the names that `make` has for them."""
    text = re.sub(r"['\"]?--([a-z][a-z-]*)['\"]?", lambda found: found[1].replace("-", "_").upper(), text)
    return text.replace("Invalid value for ", "")


def _ending(command: Callable[..., int], interrupted: str) -> Callable[..., None]:
    @functools.wraps(command)
    def ending(**arguments: object) -> None:
        raise typer.Exit(ended(lambda: command(**arguments), interrupted))

    return ending
