"""Dataset: where an API's rows are, how to ask for them, and what they become in the lake."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, get_origin

from include.transfer.documents import brief, fits
from include.transfer.errors import BadSettings, refuse_unknown
from include.transfer.fingerprint import fingerprint_of
from include.transfer.formats import COMPRESSIONS, FORMATS, FORMULAS, suffix
from include.transfer.publish.names import wrong_with_table
from include.transfer.schema.columns import RESCUED
from include.transfer.source.bodies import wrong_with_body
from include.transfer.source.chains import Chained, UntilEmpty
from include.transfer.source.paging import Offset, Page
from include.transfer.source.paths import leaves_base_path
from include.transfer.source.row_shapes import Objects, Shape, shape_of
from include.transfer.source.styles import Paging, paging_of, wrong_with
from include.transfer.source.windows import Window, window_of, wrong_with_open_end

DUPLICATES = ("fail", "allow")
MISFIT = ("fail", "rescue")
TYPES = ("string", "int64", "double", "boolean")
BUCKET_PATTERN = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
CONN_PATTERN = r"^[\w#!()\-.:/\\]{1,250}$"  # as Airflow has it
TOTAL_PATTERN = (
    r"^(none|probe|last-link|(pages:)?(body|body:/([^~\r\n]|~[01])*|body:[^\s/]\S*|header:[A-Za-z0-9_-]+))$"
)
_KINDS: dict[Any, str] = {str: "a text", Mapping: "an object"}
# Settings that mean something when empty; a form gives null for them.
MAY_BE_EMPTY: Mapping[str, Any] = {
    "rows_key": "",
    "version_header": "",
    "provenance_header": "",
    "count_accept": "",
    "table": "",
    "key": [],
}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One API endpoint and the objects it is copied to.

    The defaults describe an API that answers `GET /api/get?start=0&limit=5000` with a JSON array of
    objects, and `GET /api/count` with a bare number. Raises BadSettings, which names all that is wrong.
    """

    name: str  # first part of every object key
    conn_id: str = "wildfires_api"  # Airflow connection of the source (type http)
    store_conn_id: str = "locals3"  # Airflow connection of the store (type aws)
    bucket: str = "task-mapping-api-data"

    count_path: str = "/api/count"
    # The number of rows: `body`, `body:meta.total`, `body:/meta/total`, `header:X-Total-Count`; of pages:
    # `pages:body:total_pages`, `last-link`; `probe`: search for the last row;
    # `none`: each answer leads to the next.
    total: str = "body"
    count_query: Mapping[str, Any] | None = None  # sent with the count; None: the `query`
    count_body: Mapping[str, Any] | None = None  # posted with the count; None: the `body`
    count_accept: str = ""  # empty: `accept` where that is JSON, else application/json
    rows_path: str = "/api/get"
    rows_key: str = ""  # where the rows are in the answer: `items`, `data.rows`; empty: it is the array
    rows: Shape = field(default_factory=Objects)  # or as an object: see source/row_shapes.py
    paging: Paging = field(default_factory=Offset)  # or as an object: see source/styles.py
    query: Mapping[str, Any] = field(default_factory=dict)  # sent with every request; a list: once for each
    window: Window | None = None  # copied in parts of time, each once: see source/windows.py
    body: Mapping[str, Any] | None = None  # given: every request is a POST with it as JSON
    version_header: str = ""  # the header that names the dataset's version, if the API has one
    provenance_header: str = ""  # the header that says what the rows are, for the manifest
    accept: str = "application/json"
    accept_encoding: str = "gzip"
    requests_per_minute: int = 0  # of all copies of a run together; 0: no limit

    types: Mapping[str, str] = field(default_factory=dict)  # column → type; empty: as they come
    misfit: str = "fail"  # what no column holds: `fail` the copy, or `rescue` it into one more column
    format: str = "csv"
    compression: str = "none"
    csv_formulas: str = "keep"  # text that a spreadsheet would run: `keep` it, or `quote` it by an apostrophe
    table: str = ""  # namespace.name in the catalog behind lake_catalog; empty: none
    batch_size: int = 50_000
    key: Sequence[str] = field(default_factory=list)  # columns that name a row; each key comes once in a run
    duplicates: str = "fail"  # rows that come twice: `fail` the run, or `allow` them
    shrinks_by: float = 0.5  # share of its rows that a snapshot may lose against the one before; 1: all
    reread: int = 3  # requests that verify makes again, to compare what they bring; 0: none

    def __post_init__(self) -> None:
        try:
            for name, read in (("paging", paging_of), ("rows", shape_of), ("window", window_of)):
                object.__setattr__(self, name, read(getattr(self, name)))
        except BadSettings as error:
            where = f"dataset {self.name!r}: {error.where}"
            raise BadSettings(error.got, where=where, fix=error.fix) from None
        if wrong := [message for message in self._wrong() if message]:
            raise BadSettings("; ".join(wrong), where=f"dataset {self.name!r}")

    def _wrong(self) -> list[str]:
        def one_of(name: str, allowed: tuple[str, ...]) -> str:
            value = getattr(self, name)
            return "" if value in allowed else f"{name} is {brief(value)}, not one of {', '.join(allowed)}"

        def at_least(name: str, least: int) -> str:
            value = getattr(self, name)
            right = isinstance(value, int) and not isinstance(value, bool) and value >= least
            return "" if right else f"{name} is {brief(value)}, not a whole number of {least} or more"

        def matching(name: str, pattern: str) -> str:
            value = getattr(self, name)
            right = isinstance(value, str) and re.fullmatch(pattern, value)
            return "" if right else f"{name} is {brief(value)}, which does not match {pattern}"

        def null(name: str) -> str:
            value = self.query[name]
            empty = value is None or (isinstance(value, list | tuple) and None in value)
            return f'query: {name} is null: leave it out, or give the text "null" or ""' if empty else ""

        wrong = [
            f"{f.name} is {brief(getattr(self, f.name))}, not {_KINDS[kind]}"
            for f in fields(self)
            if (kind := _kind(f)) in _KINDS and not isinstance(getattr(self, f.name), kind)
        ]
        for name in ("count_query", "count_body", "body"):
            if not isinstance(getattr(self, name), Mapping | None):
                wrong.append(f"{name} is {brief(getattr(self, name))}, not an object")
        if wrong:
            return wrong

        unknown = sorted({str(kind) for kind in self.types.values()} - set(TYPES))
        wrong = [
            one_of("format", tuple(FORMATS)),
            one_of("compression", COMPRESSIONS),
            one_of("duplicates", DUPLICATES),
            one_of("misfit", MISFIT),
            f"types has {RESCUED}, which misfit adds" if self.rescues and RESCUED in self.types else "",
            one_of("csv_formulas", FORMULAS),
            wrong_with_table(self.table, self.format),
            matching("name", NAME_PATTERN),
            matching("bucket", BUCKET_PATTERN),
            matching("conn_id", CONN_PATTERN),
            matching("store_conn_id", CONN_PATTERN),
            matching("total", TOTAL_PATTERN),
            *(leaves_base_path(name, getattr(self, name)) for name in ("count_path", "rows_path")),
            at_least("batch_size", 1),
            wrong_with(self.paging) or wrong_with_body(self.body, self.paging, self.window),
            wrong_with(self.paging) or wrong_with_open_end(self.window, self.chained),
            wrong_with_body(self.count_body, None) and "count_body is no JSON",
            *(at_least(name, 0) for name in ("requests_per_minute", "reread")),
            "" if _is_share(self.shrinks_by) else f"shrinks_by is {brief(self.shrinks_by)}, not from 0 to 1",
            "" if _names(self.key) else f"key is {brief(self.key)}, not a list of columns, each once",
            *map(null, self.query),
            f"types has {', '.join(unknown)}, which are none of {', '.join(TYPES)}" if unknown else "",
        ]
        if not any(wrong):
            if self.total.startswith(("pages:", "last-link", "probe")):
                wrong.append(self._wrong_with_pages())
            if self.compression not in FORMATS[self.format].COMPRESSIONS:
                wrong.append(f"{self.format} compresses its own columns: set compression to none")
        return wrong

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> "Dataset":
        """Build one from plain values, `overrides` over `settings`; refuses unknown names in either."""
        known = [f.name for f in fields(cls)]
        chosen = {
            name: MAY_BE_EMPTY[name] if value is None else value
            for name, value in (overrides or {}).items()
            if value is not None or name in MAY_BE_EMPTY  # what a form leaves empty is as the settings say
        }
        refuse_unknown({**settings, **(overrides or {})}, known, "dataset settings")
        values = {**settings, **chosen}
        if "name" not in values:
            raise BadSettings(
                "the dataset has no name", fix="give it one: the first part of every object's key"
            )
        return cls(**values)

    @classmethod
    def of_run(cls, settings: Mapping[str, Any], params: Mapping[str, Any]) -> "Dataset":
        """The dataset with a run's own values; its params hold more than settings of a dataset."""
        known = {f.name for f in fields(cls)}
        return cls.from_dict(settings, {name: value for name, value in params.items() if name in known})

    def to_dict(self) -> dict[str, Any]:
        nested = {"paging": asdict(self.paging), "rows": asdict(self.rows), "key": list(self.key)}
        return {**vars(self), **nested, "window": self.window and asdict(self.window)}

    @property
    def suffix(self) -> str:
        """Object name's ending, for example `.csv.gz`."""
        return suffix(self.format, self.compression)

    @property
    def rescues(self) -> bool:
        """Whether what no column holds is kept in one more."""
        return self.misfit == "rescue"

    @property
    def page_size(self) -> int:
        """Rows in one request; 0: as many as the batch has, or the server likes."""
        return int(getattr(self.paging, "size", 0))

    def _wrong_with_pages(self) -> str:
        if not isinstance(self.paging, Offset | Page):
            return f"total {self.total} needs paging by offset or page"
        sized = self.total == "probe" or self.paging.size
        return "" if sized else f"total {self.total} needs a size in paging"

    @property
    def planned(self) -> Offset | Page:
        """How batches are asked for. Raises BadSettings for a chain: it has none."""
        if isinstance(self.paging, Offset | Page):
            return self.paging
        raise BadSettings(f"paging by {self.paging.style} has no batches", where=f"dataset {self.name!r}")

    @property
    def chained(self) -> Chained | None:
        """How one task walks through the answers; None: batches are planned from the total."""
        if not isinstance(self.paging, Offset | Page):
            return self.paging
        return UntilEmpty(self.paging, self.batch_size) if self.total == "none" else None

    @property
    def fingerprint(self) -> str:
        """Names what an object of this dataset holds: where one setting differs, nothing is reused."""
        return fingerprint_of(self.to_dict())


def _kind(setting: Field[Any]) -> Any:
    return get_origin(setting.type) or setting.type


def _is_share(value: Any) -> bool:
    return fits(value, int | float) and 0 <= value <= 1


def _names(columns: Any) -> bool:
    """Whether these are names of columns, each once."""
    right = isinstance(columns, list | tuple) and all(isinstance(name, str) and name for name in columns)
    return right and len(set(columns)) == len(columns)
