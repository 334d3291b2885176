"""Servers whose rows are no array of objects: see styles.py."""

import json
from typing import Any, ClassVar

from tests.conformance.chains import Chain
from tests.conformance.styles import Answer, Style, TotalInTheBody
from tests.servers.http_server import Request


class SaysThatItsLinesAreJson(Style):
    label: ClassVar = "application/json"

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        lines = b"".join(json.dumps(row).encode() + b"\n" for row in self.slice(start, limit))
        return 200, {"Content-Type": self.label}, lines


class SaysThatItsLinesAreText(SaysThatItsLinesAreJson):
    label: ClassVar = "text/plain"


class EndsWithOneLine(SaysThatItsLinesAreJson):
    """Of one line alone nobody can tell whether it is a row."""

    settings: ClassVar = {"rows": "lines"}
    size: ClassVar = 226


class SaysThatItsArrayIsLines(Style):
    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {"Content-Type": "application/x-ndjson"}, self.slice(start, limit)


class GivesALoneRowAsAnObject(Style):
    """XML turned to JSON."""

    settings: ClassVar = {"rows_key": "data.entry"}
    size: ClassVar = 226

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        rows = self.slice(start, limit)
        return 200, {}, {"data": {"entry": rows[0] if len(rows) == 1 else rows}, "at": start}


class HasRowsById(Style):
    """Firebase, CoinMarketCap."""

    settings: ClassVar = {"rows_key": "items", "rows": {"style": "by_id", "id": "at id"}}

    def row(self, n: int) -> dict[str, Any]:
        return {"at id": f"a{n}", **super().row(n), "more": {"texts": [f'}}, {{"{n}', None], "of": {}}}

    def by_id(self, start: int, limit: int) -> dict[str, Any]:
        rows = self.slice(start, limit)
        return {row["at id"]: {k: v for k, v in row.items() if k != "at id"} for row in rows}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, {"before": [1], "items": self.by_id(start, limit), "behind": {"a": 1}}


class IsAnObjectOfItsRows(HasRowsById):
    settings: ClassVar = {"rows": {"style": "by_id", "id": "at id"}}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, self.by_id(start, limit)


class ChainsRowsById(HasRowsById, Chain):
    settings: ClassVar = Chain.settings | HasRowsById.settings

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        at = self.at(request)
        return 200, {}, {"items": self.by_id(at, 25), "next": f"t{at + 25}" if at + 25 < self.total else None}


class HasRowsAsArrays(Style):
    settings: ClassVar = {"rows": {"style": "arrays", "names": ["id", "name", "at", "more"]}}

    def row(self, n: int) -> dict[str, Any]:
        return {**super().row(n), "more": [[n], {"text": "], ["}]}

    def arrays(self, start: int, limit: int) -> list[Any]:
        return [list(row.values()) for row in self.slice(start, limit)]

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, self.arrays(start, limit)


class HasAHeaderRow(HasRowsAsArrays):
    """The US Census; a spreadsheet's values."""

    settings: ClassVar = {"rows": "arrays", "rows_key": "values"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, {"values": [list(self.row(0)), *self.arrays(start, limit)]}


class HasAnArrayInAnArray(TotalInTheBody):
    """The World Bank."""

    settings: ClassVar = TotalInTheBody.settings | {"rows_key": "1", "total": "body:0.total"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, [{"total": self.total, "seen": ["x", 1]}, self.slice(start, limit)]


class LeavesOutWhatIsNull(Style):
    """Socrata."""

    settings: ClassVar[dict[str, Any]] = {"types": {"id": "int64", "name": "string", "at": "double"}}

    def row(self, n: int) -> dict[str, Any]:
        return {name: value for name, value in super().row(n).items() if name == "id" or n % 3 == 1}


class LeavesOutWhatNobodyDeclared(LeavesOutWhatIsNull):
    settings: ClassVar = {"misfit": "rescue"}


HONEST = [
    LeavesOutWhatIsNull,
    LeavesOutWhatNobodyDeclared,
    SaysThatItsLinesAreJson,
    SaysThatItsLinesAreText,
    EndsWithOneLine,
    SaysThatItsArrayIsLines,
    GivesALoneRowAsAnObject,
    HasRowsById,
    IsAnObjectOfItsRows,
    ChainsRowsById,
    HasRowsAsArrays,
    HasAHeaderRow,
    HasAnArrayInAnArray,
]


# Servers that would give wrong rows ----------------------------------------------------------------------


class WrapsItsRowsDeeper(GivesALoneRowAsAnObject):
    """What is found under rows_key is no row, though it is one object."""

    settings: ClassVar = {"rows_key": "data", "total": "none", "paging": "none"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, {"data": {"entries": self.slice(start, limit)}}


class WrapsRowsById(HasRowsById):
    settings: ClassVar = {"rows_key": "items"}
    size: ClassVar = 1


class HasAnIdOfAnotherMeaning(HasRowsById):
    settings: ClassVar = {"rows_key": "items", "rows": "by_id"}


class HasArraysOfAnotherLength(HasRowsAsArrays):
    settings: ClassVar = {"rows": {"style": "arrays", "names": ["id", "name", "at"]}}


class HasAColumnThatNobodyDeclared(Style):
    settings: ClassVar = {"types": {"id": "int64", "name": "string"}}


class AnswersAnErrorInOneLine(Style):
    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, b'{"message": "none"}\n'


LYING = [
    HasAColumnThatNobodyDeclared,
    WrapsItsRowsDeeper,
    WrapsRowsById,
    HasAnIdOfAnotherMeaning,
    HasArraysOfAnotherLength,
    AnswersAnErrorInOneLine,
]
