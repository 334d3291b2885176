"""A command line made of functions: their parameters are its options, what they return is the exit status."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import typer

from services.local.ending import ended


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
            app(args=arguments)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return main


def _ending(command: Callable[..., int], interrupted: str) -> Callable[..., None]:
    @functools.wraps(command)
    def ending(**arguments: object) -> None:
        raise typer.Exit(ended(lambda: command(**arguments), interrupted))

    return ending
