"""How the programs that are given a `.env` file read the value of a line NAME=VALUE."""

import re


def by_docker(value: str) -> str:
    """`--env-file`, as `astro dev pytest` gives it: all that follows."""
    return value


def by_standalone_mode(value: str) -> str:
    """The Astro CLI without Docker: without spaces around, and without one pair of quotes."""
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def by_compose(value: str) -> str:
    """As standalone mode; without quotes also up to ` #` alone, and with $NAME replaced."""
    unquoted = by_standalone_mode(value)
    if unquoted != value.strip():
        return unquoted
    return re.sub(r"\$(\w+|\{[^}]*\})", "", value.partition(" #")[0].strip())


def readings(value: str) -> set[str]:
    """What the three make of it: one text, if it is safe to write."""
    return {read(value) for read in (by_docker, by_standalone_mode, by_compose)}
