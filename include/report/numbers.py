"""Numbers as people read them: with separators and units, and no digit that says nothing."""

NO_BREAK = "\u00a0"  # before %: the two stay on one line


def number(value: float, decimals: int = 0) -> str:
    """1234567.8 as 1,234,568; with one decimal 1,234,567.8, and 27.0 as 27."""
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").removesuffix(".") if decimals else text


def percent(share: float) -> str:
    """0.0019 as 0.2 %, 0.7104 as 71 %, what is less than a tenth as < 0.1 %."""
    if 0 < share < 0.001:
        return f"<{NO_BREAK}0.1{NO_BREAK}%"
    return f"{number(share * 100, 1 if share < 0.0995 else 0)}{NO_BREAK}%"


def short(value: int) -> str:
    """189,550 as 190k, 2,432 as 2.4k, 1,990 as 2k, 66 as 66."""
    if value < 1_000:
        return str(value)
    thousands = value / 1_000
    return f"{number(thousands, 1 if thousands < 9.95 else 0)}k"


def whole(share: float) -> str:
    """A share in whole percent, without the sign; nothing of none."""
    return "" if not share else "<1" if share < 0.005 else f"{share * 100:.0f}"
