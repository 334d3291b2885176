"""Numbers as people read them."""

DASH = "–"


def rows(value: float | None) -> str:
    """12345 → 12,345."""
    return DASH if value is None else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """Rows a second: 2839.3 → 2,839, 0.61 → 0.6."""
    return DASH if value is None else f"{value:,.0f}" if value >= 9.95 else f"{value:,.1f}"


def size(value: float | None) -> str:
    """Bytes in decimal units: 1225585 → 1.2 MB."""
    if value is None:
        return DASH
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 999.5:
            return f"{value:,.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def seconds(value: float | None) -> str:
    """0.084 → 0.08 s, 1.61 → 1.6 s, 75 → 1 min 15 s, 7380 → 2 h 3 min."""
    if value is None:
        return DASH
    if value < 0.995:
        return f"{value:.2f} s"
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def mebibytes(value: float | None) -> str:
    """Of memory: 178.2 → 178 MiB."""
    return DASH if value is None else f"{value:,.0f} MiB"
