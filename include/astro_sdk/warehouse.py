"""The warehouse through the Astro SDK: PostgreSQL, one schema a dataset."""

import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from zlib import crc32

import pandas as pd
import psycopg2
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa
from astro.databases.postgres import PostgresDatabase
from astro.table import Metadata, Table
from psycopg2 import sql

from include.report.contract import COLUMNS, FIRES, LOADED
from include.report.errors import WarehouseRefused, WarehouseUnavailable

_TYPES: dict[str, Any] = {
    "string": sa.Text,
    "int64": sa.BigInteger,
    "double": sa.Float(53),
    "boolean": sa.Boolean,
}
# Of PostgreSQL's error classes: what may pass by itself. All else needs a repair.
_PASSING = ("08", "40", "53", "57", "55P03")
_REFUSED = re.compile(r"authentication failed|does not exist|no pg_hba\.conf entry|permission denied|SSL")


class Warehouse(PostgresDatabase):  # type: ignore[misc]
    """The SDK's PostgreSQL, with the one change that keeps values exact.

    The SDK writes a DataFrame for COPY with `to_csv`, which writes null and empty text alike, as nothing, and
    COPY reads both as null. Here Arrow writes them: null as nothing, empty text as two quotes.
    """

    def load_pandas_dataframe_to_table(
        self,
        source_dataframe: pd.DataFrame,
        target_table: Table,
        if_exists: str = "append",
        chunk_size: int = 0,
    ) -> None:
        """Append the rows, columns by their names; the table must exist."""
        rows = pa.Table.from_pandas(source_dataframe, preserve_index=False)
        text = io.BytesIO()
        pyarrow.csv.write_csv(rows, text, pyarrow.csv.WriteOptions(include_header=False))
        text.seek(0)
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in rows.column_names)
        command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(_identifier(target_table), columns)
        with closing(self.hook.get_conn()) as connection, connection, connection.cursor() as cursor:
            cursor.copy_expert(command, text)

    def staging(self, dataset: str) -> Table:
        """A new, empty table of the contract's columns, beside the one that readers see."""
        columns: list[Any] = [sa.Column(name, _TYPES[kind]) for name, kind in COLUMNS.items()]
        table = Table(name=f"{FIRES}_incoming", columns=columns, metadata=Metadata(schema=dataset))
        self.create_schema_if_applicable(dataset)
        self.drop_table(table)  # left by a load that was killed: the lock says that none is at work
        self.create_table_using_columns(table)
        return table

    @contextmanager
    def only_load(self, dataset: str, waiting: Callable[[], None]) -> Iterator[Any]:
        """A connection that holds the dataset's lock: a second load waits for the first to end.

        PostgreSQL drops the lock with its connection, however that ends.
        """
        key = (0x6C616B65, crc32(dataset.encode()) & 0x7FFFFFFF)
        with closing(self.hook.get_conn()) as connection:
            with connection, connection.cursor() as cursor:
                while not _one(cursor, "SELECT pg_try_advisory_lock(%s, %s)", key):
                    waiting()
                    time.sleep(1)
            yield connection

    def loaded(self, dataset: str) -> str:
        """The digest of the manifest whose rows are in the warehouse, complete; empty if there are none."""
        fires, run = (Table(name=name, metadata=Metadata(schema=dataset)) for name in (FIRES, LOADED))
        if not (self.table_exists(fires) and self.table_exists(run)):
            return ""
        rows, digest = self.run_sql(
            f"SELECT max(rows), max(digest) FROM {dataset}.{LOADED}",  # noqa: S608 (names of the contract)
            handler=lambda result: result.fetchone(),
        )
        return str(digest) if digest and self.row_count(fires) == rows else ""


def swap(connection: Any, staging: Table, run: dict[str, Any]) -> None:
    """Let readers see the staged rows instead of the old ones, and which run they are of: one transaction."""
    dataset = staging.metadata.schema
    fires, loaded = (sql.Identifier(dataset, name) for name in (FIRES, LOADED))
    names = sql.SQL(", ").join(map(sql.Identifier, run))
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(fires))
        cursor.execute(
            sql.SQL("ALTER TABLE {} RENAME TO {}").format(_identifier(staging), sql.Identifier(FIRES))
        )
        cursor.execute(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS {} (dataset text NOT NULL, run text NOT NULL, "
                "manifest text NOT NULL, digest text NOT NULL, rows bigint NOT NULL, "
                "committed_at text NOT NULL, loaded_at timestamptz NOT NULL DEFAULT now())"
            ).format(loaded)
        )
        cursor.execute(sql.SQL("TRUNCATE {}").format(loaded))
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                loaded, names, sql.SQL(", ").join(map(sql.Placeholder, run))
            ),
            run,
        )


@contextmanager
def translated(conn_id: str) -> Iterator[None]:
    """Name the driver's errors by what to do next; none of its texts with a password in it gets further."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _named(conn_id, error.orig) from None
    except psycopg2.Error as error:
        raise _named(conn_id, error) from None
    except sa.exc.ArgumentError:  # its text repeats the URL
        raise WarehouseRefused(
            "it makes no URL",
            where=f"connection {conn_id}",
            fix="make it of type postgres with host, port, schema (the database), login and password",
        ) from None


def _named(conn_id: str, error: Any) -> WarehouseRefused | WarehouseUnavailable:
    code, text = getattr(error, "pgcode", None) or "", " ".join(str(error).split())[:400]
    if code.startswith(_PASSING) or (not code and not _REFUSED.search(text)):
        fix = f"check that it is up, and the connection {conn_id}"
        return WarehouseUnavailable(f"the warehouse did not answer: {text}", fix=fix)
    fix = f"check the connection {conn_id} and its rights"
    return WarehouseRefused(f"the warehouse refused: {text}", fix=fix)


def _identifier(table: Table) -> sql.Identifier:
    return sql.Identifier(table.metadata.schema, table.name)


def _one(cursor: Any, statement: str, values: Any) -> Any:
    cursor.execute(statement, values)
    return cursor.fetchone()[0]
