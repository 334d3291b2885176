"""Numbers of JSON that a double or 64 bits would change: kept by their digits."""

from decimal import Decimal, InvalidOperation
from typing import Any

_INT64 = range(-(2**63), 2**63)
_BITS_64 = range(-(2**63), 2**64)  # what the decoder keeps as an integer
_ALWAYS_64_BITS = 18  # characters
_LONGEST_INTEGER = 20
_MOST_DIGITS = 767  # of a double that is written out in full


class ExactNumber:
    """A number as it was sent: `text`, which is JSON."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactNumber) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def as_int64(self) -> int | None:
        """The number, if it is a whole one of 64 bits."""
        value = _decimal(self.text)
        if value is None or value.adjusted() > _LONGEST_INTEGER or value != value.to_integral_value():
            return None
        return int(value) if int(value) in _INT64 else None

    def as_double(self) -> float | None:
        """The number as a double, if that has all its digits: printed with as many it gives the same."""
        value, double = _decimal(self.text), float(self.text)
        if value is None:
            return None
        digits = len("".join(map(str, value.as_tuple().digits)).strip("0")) or 1
        if digits > _MOST_DIGITS or Decimal(f"{double:.{digits - 1}e}") != value:
            return None
        return double


def fraction(text: str) -> float | ExactNumber:
    """A number with a fraction or an exponent: a double where that is the same number, printed."""
    double = float(text)
    if repr(double) == text:
        return double
    value = _decimal(text)
    return double if value is not None and Decimal(repr(double)) == value else ExactNumber(text)


def integer(text: str) -> int | ExactNumber:
    """A number without: an int of 64 bits where it fits. -0 has a sign that an int has not."""
    if len(text) <= _ALWAYS_64_BITS:
        return int(text) if text != "-0" else ExactNumber(text)
    if len(text) <= _LONGEST_INTEGER and int(text) in _BITS_64:
        return int(text)
    return ExactNumber(text)


def as_fragment(value: Any) -> Any:
    """For orjson's `default`: the digits of a number as they are."""
    import orjson

    if isinstance(value, ExactNumber):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is not a value of JSON")


def _decimal(text: str) -> Decimal | None:
    """None: its exponent has more digits than any number of use."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
