"""This project's datasets: the wildfires of the FPA-FOD, whole, in a small part, and by year."""

from include.transfer.dataset import Dataset
from include.transfer.source.windows import Window

# The 37 columns of the FPA-FOD, 4th edition, as its SQLite file types them (RDS-2013-0009.4): codes with
# leading zeros are text, so are columns without a type here; Julian days are numbers.
_COLUMNS = """
FOD_ID:int64 FPA_ID SOURCE_SYSTEM_TYPE SOURCE_SYSTEM NWCG_REPORTING_AGENCY NWCG_REPORTING_UNIT_ID
NWCG_REPORTING_UNIT_NAME SOURCE_REPORTING_UNIT SOURCE_REPORTING_UNIT_NAME LOCAL_FIRE_REPORT_ID
LOCAL_INCIDENT_ID FIRE_CODE FIRE_NAME ICS_209_INCIDENT_NUMBER ICS_209_NAME MTBS_ID MTBS_FIRE_NAME
COMPLEX_NAME FIRE_YEAR:int64 DISCOVERY_DATE:double DISCOVERY_DOY:int64 DISCOVERY_TIME
STAT_CAUSE_CODE:double STAT_CAUSE_DESCR CONT_DATE:double CONT_DOY:int64 CONT_TIME FIRE_SIZE:double
FIRE_SIZE_CLASS LATITUDE:double LONGITUDE:double OWNER_CODE:double OWNER_DESCR STATE COUNTY FIPS_CODE
FIPS_NAME
"""
WILDFIRE_TYPES = {
    name: kind or "string" for name, _, kind in (column.partition(":") for column in _COLUMNS.split())
}

WILDFIRES = Dataset(
    name="wildfires",
    version_header="ETag",
    provenance_header="Data-Provenance",
    accept_encoding="identity",  # the API is next door: compressing would only cost its CPU
    types=WILDFIRE_TYPES,
    batch_size=50_000,
)
WILDFIRES_SMALL = Dataset.from_dict(
    WILDFIRES.to_dict(),
    {
        "name": "wildfires_small",
        "count_path": "/api/count_small",
        "rows_path": "/api/get_small",
        "batch_size": 5_000,
    },
)
# --8<-- [start:by_month]
WILDFIRES_BY_MONTH = Dataset.from_dict(
    WILDFIRES.to_dict(),
    {
        "name": "wildfires_by_month",
        "key": ["FOD_ID"],
        "window": Window(
            field="DISCOVERY_DATE",
            field_format="julian",
            format="date",
            start="1992-01-01",
            end="2016-01-01",
            step="P1M",
        ),
    },
)
# --8<-- [end:by_month]
YEAR_COLUMNS = ("FOD_ID", "FIRE_YEAR", "STATE", "STAT_CAUSE_DESCR", "FIRE_SIZE")
WILDFIRES_PER_YEAR = Dataset.from_dict(
    WILDFIRES.to_dict(),
    {
        "name": "wildfires_per_year",
        "rows_path": "/api/get_for_columns",
        "query": {"columns": list(YEAR_COLUMNS)},
        "types": {column: WILDFIRE_TYPES[column] for column in YEAR_COLUMNS},
        "format": "ndjson",
    },
)
