"""Rows for the report's tests: generated ones, and one that holds every value which careless code loses."""

from typing import Any

from include.wildfires import WILDFIRE_TYPES

# Null beside empty text, text that looks like a null or a number, marks that CSV quotes, the smallest size.
ODD = {
    "FIRE_NAME": "",
    "FIRE_CODE": None,
    "LOCAL_INCIDENT_ID": "NA",
    "NWCG_REPORTING_UNIT_NAME": 'Smith, "J"\nline two',
    "SOURCE_REPORTING_UNIT": "0511",
    "FIPS_CODE": "005",
    "DISCOVERY_TIME": "0845",
    "COMPLEX_NAME": "\u00a0padded ",
    "MTBS_ID": "\\.",
    "ICS_209_NAME": "null",
    "FIRE_SIZE": 1e-05,
    "CONT_DATE": None,
    "CONT_TIME": "",
}


def fire(number: int, **values: Any) -> dict[str, Any]:
    """One row with a value in every column."""
    samples = {"string": f"0{number}", "int64": number, "double": number + 0.5}
    row = {column: samples[kind] for column, kind in WILDFIRE_TYPES.items()}
    return row | values


def odd(number: int) -> dict[str, Any]:
    return fire(number, **ODD)


def fires(count: int) -> list[dict[str, Any]]:
    return [odd(number) if number % 3 == 0 else fire(number) for number in range(1, count + 1)]
