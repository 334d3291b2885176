"""What the warehouse holds: a schema a dataset, its fires as the contract types them, and whose they are."""

from include.transfer.dataset import Dataset
from include.wildfires import WILDFIRE_TYPES, WILDFIRES, WILDFIRES_BY_MONTH, WILDFIRES_SMALL

# Datasets of these columns; the name of each is its schema in the warehouse. Both are this project's own
# words: nothing that a manifest says ever becomes an identifier. Of one by windows a month at a time.
DATASETS: dict[str, Dataset] = {
    dataset.name: dataset for dataset in (WILDFIRES, WILDFIRES_SMALL, WILDFIRES_BY_MONTH)
}

WAREHOUSE = "warehouse"  # the connection, of type postgres
FIRES = "fires"  # the rows of one committed run
LOADED = "loaded_run"  # one row: which run that is

# Column → type, in the order of the manifest's columns. Lower case, as SQL without quotes reads names.
COLUMNS: dict[str, str] = {name.lower(): kind for name, kind in WILDFIRE_TYPES.items()}

REPORT_RUN = "report_run"  # one row: which run the marts are of
MARTS = (
    "fires_by_year",
    "fires_by_cause_and_year",
    "fires_by_state",
    "fires_by_size_class",
    "fires_by_month_and_cause",
    "largest_fires",
    "containment_by_size_class",
    REPORT_RUN,
)
