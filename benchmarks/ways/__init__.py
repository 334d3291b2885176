"""The ways to move a batch from the API to the store; `python -m benchmarks.ways` runs one.

A way is a generator: it loads what it needs and yields, moves the rows, and yields the prefix below which
they are in the store. Its module loads the standard library alone, so that loading counts.
"""

from collections.abc import Iterator
from typing import Any

ROW_GROUP_ROWS = 16_384  # the copy's
Steps = Iterator[str]
# A case, from row `start` on; the API's `url`; `endpoint`, `bucket` and `keys` (access and secret) of the
# store; `types`: column → string, int64 or double.
Job = dict[str, Any]
