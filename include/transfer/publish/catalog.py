"""An Iceberg catalog by pyiceberg's own properties. Its errors are named here, and hold no secret."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from include.transfer.errors import BadSettings, Fatal, Retryable, TransferError
from include.transfer.redact import hidden, secrets_held, secrets_of_login

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

CATALOG = "lake_catalog"  # the connection, and the catalog's name in its own database

_LONGEST = 300  # characters of what a library says


class CatalogUnavailable(Retryable):
    """The catalog, or the store behind it, could not be reached or was not able to answer."""

    advice = "the task is tried again: the run is committed, and the table is brought up to it"


class TableRefused(Fatal):
    """The table cannot take what was committed, or the catalog refused to be asked."""

    advice = "correct the catalog's connection, then clear this task: the run is committed already"


@dataclass(frozen=True)
class CatalogSettings:
    """`properties`: pyiceberg's, with those of the store."""

    properties: Mapping[str, str] = field(repr=False)

    @cached_property
    def catalog(self) -> "Catalog":
        """The catalog, opened. Raises as `named` does."""
        try:
            from pyiceberg.catalog import load_catalog
        except ImportError:
            raise BadSettings("pyiceberg is not installed", fix="install requirements.txt") from None
        return load_catalog(CATALOG, **self.properties)

    @property
    def chooses_location(self) -> bool:
        """Whether the catalog itself knows where a new table's metadata goes."""
        by_uri = "rest" if str(self.properties.get("uri", "")).startswith("http") else ""  # as pyiceberg does
        return self.properties.get("type", by_uri) == "rest" or "warehouse" in self.properties

    @property
    def secrets(self) -> set[str]:
        """What no log may show, in all its forms."""
        public = ("region", "type")
        found = secrets_held({k: v for k, v in self.properties.items() if not k.endswith(public)}, None, {})
        for name, value in self.properties.items():
            user, colon, password = value.partition(":")
            if colon and name.endswith("credential"):
                found |= secrets_of_login(user, password)
        return found


@contextmanager
def named(settings: CatalogSettings, table: str) -> Iterator[None]:
    """Raise what pyiceberg and its clients say as errors of a copy, about the table and without secrets."""
    try:
        yield
    except TransferError as error:
        error.where = error.where or f"table {table}"
        raise
    except Exception as error:
        got = hidden(f"{type(error).__name__}: {error}", settings.secrets)[:_LONGEST]
        where = f"table {table} of {CATALOG}"
        if _is_refusal(error):
            raise TableRefused(got, where=where) from None
        raise CatalogUnavailable(got, where=where) from None


def _is_refusal(error: Any) -> bool:
    """Whether asking again cannot help; of what is not known it may."""
    from pyiceberg import exceptions

    refusals = (
        exceptions.BadRequestError,
        exceptions.UnauthorizedError,
        exceptions.ForbiddenError,
        exceptions.OAuthError,
        exceptions.NoSuchPropertyException,
        exceptions.NotInstalledError,
        exceptions.ValidationError,
        ImportError,
        NotImplementedError,
        TypeError,
        ValueError,
    )
    return isinstance(error, refusals)
