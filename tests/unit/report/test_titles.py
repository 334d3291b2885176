"""A chart's title is what its own numbers say."""

import pytest

from include.report import titles
from include.report.numbers import number, percent, short


def test_few_fires_burn_half_of_the_land():
    classes = [
        {"size_class": name, "fires": fires, "acres": acres}
        for name, fires, acres in (("A", 600, 10.0), ("B", 398, 19.0), ("F", 1, 30.0), ("G", 1, 41.0))
    ]
    said = titles.sizes({"fires_by_size_class": classes}).replace("\u00a0", " ")
    assert said == "0.2 % of the fires burned 71 % of the acres"


def test_a_year_of_most_fires_may_be_that_of_most_acres():
    years = [
        {"fire_year": 1992, "fires": 5, "acres": 9.6},
        {"fire_year": 1993, "fires": 7, "acres": 2.0},
    ]
    said = titles.fires_per_year({"fires_by_year": years})
    assert said == "Most fires in 1993 (7), most acres burned in 1992 (10)"
    said = titles.fires_per_year({"fires_by_year": years[1:]})
    assert said == "1993 had the most fires (7) and the most acres burned (2)"


def test_the_season_is_of_the_month_and_of_the_cause_that_keeps_to_one():
    rows = [
        {"cause": cause, "discovery_month": month, "fires": fires}
        for cause, month, fires in (
            ("Arson", 3, 60),
            ("Arson", 7, 20),
            ("Fireworks", 7, 19),
            ("Fireworks", 6, 1),
        )
    ]
    said = titles.season({"fires_by_month_and_cause": rows}).replace("\u00a0", " ")
    assert said == "March has the most fires, 60 %; of Fireworks, 95 % are in July"


def test_states_and_causes_are_named_by_their_number_of_fires():
    states = [
        {"name": name, "fires": fires} for name, fires in (("Ohio", 1), ("Iowa", 4), ("Utah", 3), ("Guam", 2))
    ]
    assert titles.map_of_states({"fires_by_state": states}).endswith("Iowa, Utah and Guam")
    assert titles.map_of_states({"fires_by_state": states[:1]}).endswith("in Ohio")
    causes = [{"cause": cause, "fires": 5} for cause in ("B", "A", "B")]
    assert titles.causes_over_time({"fires_by_cause_and_year": causes}).startswith("B is")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (number(606_945.0, 1), "606,945"),
        (number(27.25, 1), "27.2"),
        (number(1_200), "1,200"),
        (percent(0.0004), "< 0.1 %"),
        (percent(0.05), "5 %"),
        (percent(0.0996), "10 %"),
        (percent(0.0), "0 %"),
        (short(1_990), "2k"),
        (short(9_960), "10k"),
    ],
)
def test_no_digit_says_nothing(said, wanted):
    assert said.replace("\u00a0", " ") == wanted
