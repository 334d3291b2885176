"""The Airflow connection `lake_catalog` as an Iceberg catalog: its extra is pyiceberg's own properties.

In these `{login}`, `{password}`, `{host}`, `{port}` and `{schema}` stand for the connection's own fields, so
that a password can be where Airflow masks it.
"""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from include.tasks import connections

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.transfer.dataset import Dataset
    from include.transfer.publish.table import LakeTable
    from include.transfer.store.bucket import Bucket

_FIELDS = ("login", "password", "host", "port", "schema")
_NAMED = re.compile(rf"\{{({'|'.join(_FIELDS)})\}}")


def open_table(dataset: "Dataset", bucket: "Bucket") -> "LakeTable | None":
    """The table that the dataset names; None: it names none. Nothing is asked of the catalog yet.

    From here on Airflow masks what the connection holds in this log. Raises BadSettings where there is none.
    """
    if not dataset.table:
        return None
    from include.transfer.publish.catalog import CATALOG, CatalogSettings
    from include.transfer.publish.storage import with_storage
    from include.transfer.publish.table import LakeTable

    own = catalog_properties(CATALOG)
    settings = CatalogSettings(with_storage(own, connections.store_settings(dataset.store_conn_id)))
    connections.mask(settings.secrets)
    return LakeTable(dataset, bucket, settings)


def catalog_properties(conn_id: str) -> dict[str, str]:
    """The properties of a connection of type generic. Raises BadSettings, which repeats no value."""
    from airflow.sdk import BaseHook

    with connections.named(conn_id, "generic"):
        found = connections.readable(BaseHook.get_connection(conn_id))
        return dict(_filled_in(found))


def _filled_in(connection: "Connection") -> Iterator[tuple[str, str]]:
    fields = {name: str(getattr(connection, name) or "") for name in _FIELDS}
    quoted = {name: quote(fields[name], safe="") for name in ("login", "password")}
    extra = json.loads(connection.extra or "{}")
    if not extra:
        raise ValueError("its extra is empty")
    for name, value in extra.items():
        if not isinstance(value, str | int | float):
            raise TypeError("not a text")
        said = json.dumps(value) if isinstance(value, bool) else str(value)
        own = fields | (quoted if "://" in said else {})
        # In one pass: what a field holds may look like the name of another.
        parts = enumerate(_NAMED.split(said))  # text and names of fields in turns
        yield name, "".join(own[part] if at % 2 else part for at, part in parts)
