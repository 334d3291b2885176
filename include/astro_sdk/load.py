"""From the objects of one committed run to the table that the marts are made of."""

import logging
import time
from typing import Any

import pandas as pd
import smart_open
from astro.files import File
from botocore.exceptions import BotoCoreError, ClientError

from include.astro_sdk.objects import batches, proven
from include.astro_sdk.warehouse import Warehouse, swap, translated
from include.report.committed import Address, Committed, StoredObject, read
from include.report.errors import RunDamaged, RunGone, told
from include.transfer.errors import StoreRefused, StoreUnavailable, TransferError
from include.transfer.memory import peak_rss_mb

log = logging.getLogger(__name__)

_MISSING = {"NoSuchKey", "404", "NotFound"}


def load(manifest: str, store: str, warehouse: str, force: bool = False) -> dict[str, Any]:
    """Load the run of `manifest` (its URI) into the warehouse; returns what was done, or the error as `told`.

    `store` and `warehouse` name Airflow connections in this process's environment. Safe to run again: rows
    come into a table of their own, which takes the old one's place in the transaction that also says which
    run it is; a run that is there already, complete, is left alone unless `force`.
    """
    try:
        return _load(Address.parse(manifest), store, Warehouse(conn_id=warehouse), force)
    except TransferError as error:
        log.error("%s", error)
        return told(error)


def _load(address: Address, store: str, warehouse: Warehouse, force: bool) -> dict[str, Any]:
    started = time.monotonic()
    committed = read(address, _manifest(address, store))
    dataset = address.prefix.dataset

    def waiting() -> None:
        log.info("another load of %s is at work; waiting for it", dataset)

    with translated(warehouse.conn_id), warehouse.only_load(dataset, waiting) as connection:
        there = not force and warehouse.loaded(dataset) == committed.digest
        if there:
            log.info("%s is in the warehouse already, %d rows: nothing to load", address.uri, committed.rows)
        else:
            _stage_and_swap(committed, store, warehouse, connection)
    return {
        "dataset": dataset,
        "run": address.prefix.run,
        "manifest": address.uri,
        "digest": committed.digest,
        "rows": committed.rows,
        "objects": len(committed.objects),
        "loaded": not there,
        "seconds": round(time.monotonic() - started, 3),
        "peak_rss_mb": peak_rss_mb(),
    }


def _stage_and_swap(committed: Committed, store: str, warehouse: Warehouse, connection: Any) -> None:
    address = committed.address
    staging = warehouse.staging(address.prefix.dataset)
    for number, stored in enumerate(committed.objects, 1):
        _append(committed, stored, store, warehouse, staging)
        log.info("%d of %d objects loaded: %s", number, len(committed.objects), stored.key)
    rows = warehouse.row_count(staging)
    if rows != committed.rows:
        raise RunDamaged(
            f"{rows:,} rows are in the staging table; {address.uri} has {committed.rows:,}; readers still "
            f"see the run before; load again"
        )
    run = {
        "dataset": address.prefix.dataset,
        "run": address.prefix.run,
        "manifest": address.uri,
        "digest": committed.digest,
        "rows": committed.rows,
        "committed_at": committed.created_at,
    }
    swap(connection, staging, run)
    log.info("%s: %d rows in %s.fires", address.uri, rows, address.prefix.dataset)


def _append(
    committed: Committed, stored: StoredObject, store: str, warehouse: Warehouse, staging: Any
) -> None:
    uri = f"s3://{committed.address.bucket}/{stored.key}"
    with _opened(uri, store, f"{committed.address.uri} names it") as source, proven(stored, source) as file:
        for batch in batches(committed, stored, file):
            renamed = batch.rename_columns([name.lower() for name in batch.schema.names])
            frame = renamed.to_pandas(types_mapper=pd.ArrowDtype)  # Arrow's own types: nulls stay exact
            warehouse.load_pandas_dataframe_to_table(frame, staging)


def _manifest(address: Address, store: str) -> bytes:
    with _opened(address.uri, store, "") as source:
        content: bytes = source.read(256 << 20)
    return content


class _opened:
    """An object of the store as a stream of its stored bytes; its errors are named here, once."""

    def __init__(self, uri: str, conn_id: str, promised: str) -> None:
        self._uri, self._conn_id, self._promised = uri, conn_id, promised

    def __enter__(self) -> Any:
        try:
            location = File(self._uri, conn_id=self._conn_id).location
            self._stream = smart_open.open(
                location.smartopen_uri,
                mode="rb",
                transport_params=location.transport_params,
                compression="disable",
            )
        except (OSError, ValueError, BotoCoreError, ClientError) as error:
            raise self._named(error) from None
        return self._stream

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._stream.close()
        if isinstance(error, BotoCoreError | ClientError):
            raise self._named(error) from None

    def _named(self, error: BaseException) -> TransferError:
        cause = getattr(error, "backend_error", None) or error
        code = getattr(cause, "response", {}).get("Error", {}).get("Code", type(cause).__name__)
        if code in _MISSING and self._promised:
            return RunDamaged(f"{self._uri} is not in the store, though {self._promised}; copy it again")
        if code in _MISSING:
            return RunGone(
                f"there is no {self._uri}: the run was not committed, or was removed since; start the report "
                f"without a manifest to take the newest committed run"
            )
        if isinstance(cause, ClientError) and not str(code).startswith(("5", "SlowDown", "InternalError")):
            return StoreRefused(f"GET {self._uri}: the store answered {code}; check {self._conn_id}")
        return StoreUnavailable(f"GET {self._uri}: {code}; check that the store runs, and {self._conn_id}")
