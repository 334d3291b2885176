"""Every DAG file can be parsed: what `astro dev parse` and `astro deploy` run before anything else.

Nothing is faked. A DAG file that asks for a connection, a variable or a required environment variable while
it is parsed fails here, as it would wear down the DAG processor, which parses each file every few seconds.
"""

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

HERE = Path(__file__).parent
DAGS = HERE.parent / "dags"
BROKEN_ON_PURPOSE = {
    line.strip()
    for line in (HERE / "dag_integrity_exceptions.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
}


def parse(folder: Path) -> dict[str, str]:
    """Path of each DAG file, as in `dags/example.py`, to the error it met: "" where it met none."""
    bag = DagBag(dag_folder=folder, bundle_path=folder)
    outcomes = {f"dags/{Path(dag.fileloc).relative_to(folder)}": "" for dag in bag.dags.values()}
    for path, error in bag.import_errors.items():
        shown = Path(path)
        outcomes[f"dags/{shown.relative_to(folder) if shown.is_absolute() else shown}"] = error.strip()
    return outcomes


OUTCOMES = parse(DAGS)


def test_there_are_dags():
    assert OUTCOMES, f"no DAG was found in {DAGS}"


@pytest.mark.parametrize("path", sorted(OUTCOMES))
def test_dag_file_can_be_parsed(path):
    if OUTCOMES[path] and path not in BROKEN_ON_PURPOSE:
        pytest.fail(f"{path} cannot be imported:\n{OUTCOMES[path]}", pytrace=False)
