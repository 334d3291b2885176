"""From the warehouse's marts to Parquet in the lake, by the SDK's export."""

import logging
import time
from typing import Any

from astro.constants import FileType
from astro.files import File
from astro.table import Metadata, Table
from botocore.exceptions import BotoCoreError, ClientError

from include.astro_sdk.warehouse import Warehouse, translated
from include.report.contract import MARTS, REPORT_RUN
from include.report.errors import WarehouseRefused
from include.report.loadable import Address
from include.transfer.errors import StoreUnavailable, TransferError
from include.transfer.memory import peak_rss_mb

log = logging.getLogger(__name__)


def export(manifest: str, warehouse: str) -> dict[str, Any]:
    """Write each mart of the run to `_report/`; returns where they are, or the error as a dict.

    Safe to run again: the same marts over the same keys. Raises nothing.
    """
    try:
        return _export(Address.parse(manifest), Warehouse(conn_id=warehouse))
    except TransferError as error:
        log.error("%s", error)
        return error.to_dict()


def _export(address: Address, warehouse: Warehouse) -> dict[str, Any]:
    started = time.monotonic()
    dataset = address.prefix.dataset
    with translated(warehouse.conn_id):
        _same_run(address, warehouse)
        marts = {}
        for name in MARTS:
            key = f"{address.prefix.report}{name}.parquet"
            table = Table(name=name, metadata=Metadata(schema=dataset))
            uri, conn_id = f"s3://{address.bucket}/{key}", address.dataset.store_conn_id
            _write(warehouse, table, File(uri, conn_id, FileType.PARQUET))
            marts[name] = key
        _same_run(address, warehouse)
    return {
        "marts": marts,
        "seconds": round(time.monotonic() - started, 3),
        "peak_rss_mb": peak_rss_mb(),
    }


def _write(warehouse: Warehouse, table: Table, file: File) -> None:
    try:
        warehouse.export_table_to_file(table, file, if_exists="replace")
    except (BotoCoreError, ClientError, OSError) as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        raise StoreUnavailable(f"the store answered {code}", where=f"PUT {file.path}") from None
    log.info("%s written", file.path)


def _same_run(address: Address, warehouse: Warehouse) -> None:
    """The marts must be of the run that is reported, before and after they are read."""
    found = warehouse.run_sql(
        f"SELECT max(manifest) FROM {address.prefix.dataset}.{REPORT_RUN}",  # noqa: S608 (the contract's names)
        handler=lambda result: result.scalar(),
    )
    if found != address.uri:
        raise WarehouseRefused(
            f"the marts in the warehouse are of {found}: another report was made meanwhile",
            where=address.uri,
            fix="start the report of this run again",
        )
