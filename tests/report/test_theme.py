"""Both appearances can be read: text on every colour of a ramp, and marks on their background."""

import pytest

from include.report import theme

READABLE = 4.5  # WCAG 2.1, 1.4.3: text
VISIBLE = 3.0  # 1.4.11: what a picture is made of


def parts(colour: str) -> list[float]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def luminance(colour: list[float]) -> float:
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.03928 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: list[float], other: list[float]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def drawn(ramp: tuple[str, ...], share: float) -> list[float]:
    """The colour of a share of the largest value, as a scale of type sqrt gives it."""
    place = share**0.5 * (len(ramp) - 1)
    step = min(int(place), len(ramp) - 2)
    low, high = parts(ramp[step]), parts(ramp[step + 1])
    return [a + (b - a) * (place - step) for a, b in zip(low, high, strict=True)]


@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=lambda look: look.name)
def test_a_number_can_be_read_on_its_tile_however_large_it_is(look):
    for thousandth in range(1001):
        share = thousandth / 1000
        ink = look.on_high if share > look.turns_at else look.on_low
        assert contrast(drawn(look.ramp, share), parts(ink)) >= READABLE, share


@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=lambda look: look.name)
def test_ink_and_marks_stand_out_from_the_background(look):
    assert contrast(parts(look.ink), parts(look.background)) >= READABLE
    assert contrast(parts(look.mark), parts(look.background)) >= VISIBLE
