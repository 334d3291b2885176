"""Runs in the interpreter .venv-astro-sdk, beside Airflow 3: what astro-sdk-python does for the report."""
