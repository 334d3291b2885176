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
from include.report.errors import RunDamaged, RunGone
from include.report.loadable import Address, Loadable, read
from include.transfer.commit.receipt import Receipt
from include.transfer.errors import StoreRefused, StoreUnavailable, TransferError
from include.transfer.memory import peak_rss_mb
from include.transfer.store.keys import LARGEST_JSON_BYTES

log = logging.getLogger(__name__)

_MISSING = {"NoSuchKey", "404", "NotFound"}


def load(manifest: str, warehouse: str, force: bool = False, partition: str = "") -> dict[str, Any]:
    """Load the run of `manifest` (its URI) into the warehouse; returns what was done, or the error as a dict.

    `partition`: a window of a dataset by windows, which is loaded alone; no other object is asked for.
    `warehouse` and the dataset's store are Airflow connections in this process's environment. Safe to run
    again: rows come into a table of their own, which takes the old one's place in the transaction that also
    says which run it is; a run that is there already, complete, is left alone unless `force`.
    """
    try:
        return _load(Address.parse(manifest), Warehouse(conn_id=warehouse), force, partition)
    except TransferError as error:
        log.error("%s", error)
        return error.to_dict()


def _load(address: Address, warehouse: Warehouse, force: bool, partition: str) -> dict[str, Any]:
    started = time.monotonic()
    run = read(address, _manifest(address), partition)
    dataset = address.prefix.dataset

    def waiting() -> None:
        log.info("another load of %s is at work; waiting for it", dataset)

    with translated(warehouse.conn_id), warehouse.only_load(dataset, waiting) as connection:
        there = not force and warehouse.loaded(dataset) == run.mark
        if there:
            log.info(
                "%s is in the warehouse already, %d rows: nothing to load", address.uri, run.manifest.rows
            )
        else:
            _stage_and_swap(run, warehouse, connection)
    return {
        "dataset": dataset,
        "run": address.prefix.run,
        "manifest": address.uri,
        "digest": run.digest,
        "partition": run.partition,
        "rows": run.manifest.rows,
        "objects": len(run.manifest.receipts),
        "loaded": not there,
        "seconds": round(time.monotonic() - started, 3),
        "peak_rss_mb": peak_rss_mb(),
    }


def _stage_and_swap(run: Loadable, warehouse: Warehouse, connection: Any) -> None:
    address, manifest = run.address, run.manifest
    staging = warehouse.staging(address.prefix.dataset)
    for number, receipt in enumerate(manifest.receipts, 1):
        _append(run, receipt, warehouse, staging)
        log.info("%d of %d objects loaded: %s", number, len(manifest.receipts), receipt.key)
    rows = warehouse.row_count(staging)
    if rows != manifest.rows:
        got = f"{rows:,} of its {manifest.rows:,} rows are in the staging table"
        fix = "readers still see the run before; load again"
        raise RunDamaged(got, where=address.uri, fix=fix)
    values = {
        "dataset": address.prefix.dataset,
        "run": address.prefix.run,
        "manifest": address.uri,
        "digest": run.mark,
        "rows": manifest.rows,
        "committed_at": manifest.created_at,
    }
    swap(connection, staging, values)
    log.info("%s: %d rows in %s.fires", address.uri, rows, address.prefix.dataset)


def _append(run: Loadable, receipt: Receipt, warehouse: Warehouse, staging: Any) -> None:
    uri = f"s3://{run.address.bucket}/{receipt.key}"
    conn_id = run.address.dataset.store_conn_id
    with _opened(uri, conn_id, promised=True) as source, proven(receipt, source) as file:
        for batch in batches(run.manifest, receipt, file):
            renamed = batch.rename_columns([name.lower() for name in batch.schema.names])
            frame = renamed.to_pandas(types_mapper=pd.ArrowDtype)  # Arrow's own types: nulls stay exact
            warehouse.load_pandas_dataframe_to_table(frame, staging)


def _manifest(address: Address) -> bytes:
    with _opened(address.uri, address.dataset.store_conn_id, promised=False) as source:
        content: bytes = source.read(LARGEST_JSON_BYTES)
    return content


class _opened:
    """An object of the store as a stream of its stored bytes; its errors are named here, once."""

    def __init__(self, uri: str, conn_id: str, *, promised: bool) -> None:
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
        where = f"GET {self._uri}"
        if code in _MISSING and self._promised:
            return RunDamaged("it is not in the store, though the manifest names it", where=where)
        if code in _MISSING:
            return RunGone(
                "there is no such manifest: the run was not committed, or was removed since",
                where=where,
                fix="start the report without a manifest to take the newest committed run",
            )
        got = f"the store answered {code}"
        if isinstance(cause, ClientError) and not str(code).startswith(("5", "SlowDown", "InternalError")):
            return StoreRefused(got, where=where, fix=f"check the connection {self._conn_id}")
        fix = f"check that the store is up, and the connection {self._conn_id}"
        return StoreUnavailable(got, where=where, fix=fix)
