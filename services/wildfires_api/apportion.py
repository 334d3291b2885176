"""Dividing a whole number among shares by largest remainder, in integers so that every platform agrees."""

from collections.abc import Sequence


def apportion(total: int, weights: Sequence[int], caps: Sequence[int] | None = None) -> list[int]:
    """Divide `total` in proportion to `weights`, no share above its cap; the result sums to `total`.

    Largest-remainder (Hamilton) apportionment; ties go to the earlier share. What a cap refuses is divided
    among the others, first by weight and, when only weightless shares have room, by room.
    Raises ValueError when the caps cannot hold `total`.
    """
    if caps is None:
        return _hamilton(total, weights)
    if total > sum(caps):
        raise ValueError(f"cannot place {total} in shares that hold {sum(caps)}")
    shares = [0] * len(weights)
    left = total
    while left:
        room = [cap - share for cap, share in zip(caps, shares, strict=True)]
        active = [weight if space else 0 for weight, space in zip(weights, room, strict=True)]
        wanted = _hamilton(left, active if any(active) else room)
        added = [min(want, space) for want, space in zip(wanted, room, strict=True)]
        shares = [share + more for share, more in zip(shares, added, strict=True)]
        left -= sum(added)
    return shares


def _hamilton(total: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights)
    if whole == 0:
        if total == 0:
            return [0] * len(weights)
        raise ValueError(f"cannot divide {total} by weights that are all zero")
    shares = [total * weight // whole for weight in weights]
    missing = total - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[:missing]:
        shares[i] += 1
    return shares
