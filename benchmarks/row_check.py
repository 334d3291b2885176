"""Whether objects hold the source's rows, every value of every row: a way that lost some has no speed.

Read with Arrow, which the copy uses for Parquet alone. All numbers count as doubles; a CSV cannot tell null
from an empty text in every way's hands, so there the two count as one.
"""

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
from minio import Minio

from include.wildfires import WILDFIRE_TYPES
from services.local.errors import StackError

KEY = "FOD_ID"  # the source's order
SCHEMA = pa.schema({name: kind if kind == "string" else "double" for name, kind in WILDFIRE_TYPES.items()})


class WrongCopy(StackError):
    """A way moved other rows than the source has: its figures mean nothing."""


def read(file: Path, format: str) -> pa.Table:
    """The rows of one object, with the columns and types of `SCHEMA`."""
    if format == "parquet":
        return pa.parquet.read_table(file, columns=SCHEMA.names).cast(SCHEMA)
    if format == "ndjson":
        parse = pa.json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
        return pa.json.read_json(file, parse_options=parse)
    if format == "json":
        return pa.Table.from_pylist(json.loads(file.read_bytes()), SCHEMA)
    convert = pa.csv.ConvertOptions(
        column_types=SCHEMA, include_columns=SCHEMA.names, null_values=[""], strings_can_be_null=False
    )
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    return pa.csv.read_csv(file, parse_options=parse, convert_options=convert)


def check_and_empty(
    what: object, store: Minio, bucket: str, prefix: str, format: str, expected: pa.Table, *, ordered: bool
) -> None:
    """Raise WrongCopy unless the objects of this format and prefix hold the expected rows, in the order of
    their names, or in any if not `ordered`; then empty the bucket."""
    names = sorted(str(each.object_name) for each in store.list_objects(bucket, recursive=True))
    tables = [SCHEMA.empty_table()]
    with tempfile.NamedTemporaryFile() as file:
        for name in names:
            if name.startswith(prefix) and name.endswith((f".{format}", ".jsonl")):
                store.fget_object(bucket, name, file.name)
                tables.append(read(Path(file.name), format))
    found = pa.concat_tables(tables) if ordered else pa.concat_tables(tables).sort_by(KEY)
    if format == "csv":
        found, expected = (_without_null_texts(table) for table in (found, expected))
    if found.num_rows != expected.num_rows:
        raise WrongCopy(f"{what}: {found.num_rows:,} rows in the store; the source has {expected.num_rows:,}")
    if differ := [name for name in SCHEMA.names if not found[name].equals(expected[name])]:
        raise WrongCopy(f"{what}: values in the store differ from the source's in {', '.join(differ)}")
    for name in names:
        store.remove_object(bucket, name)


def _without_null_texts(table: pa.Table) -> pa.Table:
    texts = (pc.fill_null(each, "") if each.type == pa.string() else each for each in table.columns)
    return pa.table(list(texts), table.schema)
