"""Servers whose values Python, JSON or a column would change, and rows that a key names: see styles.py."""

from typing import Any, ClassVar

from tests.conformance.styles import Answer, HasEqualRows, Style
from tests.servers.http_server import Request


class Spelled(Style):
    """Rows whose values Python would change: each is spelled as it is sent."""

    def row(self, n: int) -> dict[str, Any]:
        return {"id": n}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        rows = map(self.text, self.slice(start, limit))
        return 200, {}, f"[{', '.join(rows)}]".encode()


class SendsMoneyAndCoordinates(Spelled):
    def text(self, row: dict[str, Any]) -> str:
        n = row["id"]
        return f'{{"id": {n}, "sum": {n + 1}12345678901234567.89, "at": [0.12345678901234567{n:03}, 1.10]}}'


class SendsNumbersOfAnySize(Spelled):
    def text(self, row: dict[str, Any]) -> str:
        n = row["id"]
        return f'{{"id": {n}, "large": {n + 1}e4{n:02}, "small": 1e-4{n:02}, "long": {n + 1}{"7" * 4_500}}}'


class HasAKey(Style):
    """In the order of another column."""

    settings: ClassVar = {"key": ["id"]}

    def row(self, n: int) -> dict[str, Any]:
        return {"id": 7919 * n % 230, "name": f"näme {n}", "nested": [{"of": n}, {"of": n}], "text": '"},{"'}


class HasAKeyOfTwoColumns(HasEqualRows):
    settings: ClassVar = {"key": ["colour", "size"]}

    def row(self, n: int) -> dict[str, Any]:
        return {"colour": "red" if n % 2 else "blue", "size": n // 2}


HONEST = [
    SendsMoneyAndCoordinates,
    SendsNumbersOfAnySize,
    HasAKey,
    HasAKeyOfTwoColumns,
]


# Servers whose values cannot be kept, or whose keys name no row -----------------------------------------


class RepeatsAKey(Style):
    """As an edited row does that comes on two pages: no row is repeated."""

    settings: ClassVar = {"key": ["id"]}

    def row(self, n: int) -> dict[str, Any]:
        return super().row(n) | {"id": n - (n > 120)}


class LeavesAKeyOut(Style):
    settings: ClassVar = {"key": ["code"], "types": {"id": "int64", "code": "string"}}

    def row(self, n: int) -> dict[str, Any]:
        return {"id": n, "code": None if n == 120 else f"c{n}"}


class SendsAKeyTwice(Spelled):
    def text(self, row: dict[str, Any]) -> str:
        n = row["id"]
        return f'{{"id": {n}, "tag": "first"' + (', "tag": "second"}' if n == 120 else "}")


class CutsATextInsideACharacter(Spelled):
    def text(self, row: dict[str, Any]) -> str:
        n = row["id"]
        return f'{{"id": {n}, "text": "' + (r"cut \ud83d" if n == 120 else r"whole \ud83d\ude00") + '"}'


class SendsWhatIsNoNumber(Spelled):
    def text(self, row: dict[str, Any]) -> str:
        n = row["id"]
        return f'{{"id": {n}, "at": {"NaN" if n == 120 else 0.5}}}'


LYING = [
    RepeatsAKey,
    LeavesAKeyOut,
    SendsAKeyTwice,
    CutsATextInsideACharacter,
    SendsWhatIsNoNumber,
]
