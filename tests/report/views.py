"""What readers of the warehouse see."""

from include.wildfires import WILDFIRE_TYPES

COLUMNS = ", ".join(name.lower() for name in WILDFIRE_TYPES)


def in_warehouse(warehouse, schema="wildfires_small"):
    """Every row, in the order of FOD_ID, with the dataset's own column names."""
    found = warehouse.query(f"SELECT {COLUMNS} FROM {schema}.fires ORDER BY fod_id")
    return [dict(zip(WILDFIRE_TYPES, row, strict=True)) for row in found]


def loaded_run(warehouse):
    columns = "dataset, run, manifest, digest, rows, loaded_at"
    (found,) = warehouse.query(f"SELECT {columns} FROM wildfires_small.loaded_run")
    return dict(zip(columns.split(", "), found, strict=True))


def tables(warehouse):
    found = warehouse.query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'wildfires_small'"
    )
    return {name for (name,) in found}
