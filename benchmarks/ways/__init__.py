"""The ways to move a batch from the API to the store; `python -m benchmarks.ways` runs one.

A way is a generator: it loads what it needs and yields, moves the rows, and yields the prefix below which
they are in the store. Its module loads the standard library alone, so that loading counts.
"""

from collections.abc import Iterator
from typing import TypedDict

ROW_GROUP_ROWS = 16_384  # the copy's
Steps = Iterator[str]


class Job(TypedDict):
    setting: str  # "task": in a process that has imported airflow.sdk
    way: str
    format: str
    start: int
    rows: int
    url: str  # of the API
    endpoint: str  # of the store
    bucket: str
    keys: tuple[str, str]  # access and secret
    types: dict[str, str]  # column → string, int64 or double
