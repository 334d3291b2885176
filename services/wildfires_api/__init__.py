"""The sample source: an HTTP API over wildfire records, with a generator and a loader for its data."""
