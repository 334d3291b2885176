"""The lakes behind the datasets' connections, and what is wrong where one cannot be read."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from include.lake_page.stored_runs import Lake, Trouble
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, TransferError

log = logging.getLogger(__name__)


@dataclass
class Stores:
    """One Lake for each connection and bucket, opened when first asked for; trouble is kept, not raised."""

    troubles: dict[tuple[str, str], Trouble] = field(default_factory=dict)
    _lakes: dict[tuple[str, str], Lake] = field(default_factory=dict)

    def of(self, dataset: Dataset) -> Lake | None:
        """The lake that the dataset is in, or None where it cannot be read."""
        key = place(dataset)
        if key in self.troubles:
            return None
        if key not in self._lakes:
            with self.watched(dataset):
                self._lakes[key] = _open(dataset)
        return self._lakes.get(key)

    @contextmanager
    def watched(self, dataset: Dataset) -> Iterator[None]:
        """Turn what goes wrong with the dataset's store into trouble to be shown."""
        try:
            yield
        except TransferError as error:
            self.troubles[place(dataset)] = Trouble(*place(dataset), str(error))
            self._lakes.pop(place(dataset), None)
        except Exception as error:  # a connection or a store that nobody thought of takes its own runs alone
            log.exception("The store of %s cannot be read", dataset.name)
            text = f"{type(error).__name__}: the API server's log says more"
            self.troubles[place(dataset)] = Trouble(*place(dataset), text)
            self._lakes.pop(place(dataset), None)

    def listed(self) -> list[Trouble]:
        return [self.troubles[key] for key in sorted(self.troubles)]


def place(dataset: Dataset) -> tuple[str, str]:
    return dataset.store_conn_id, dataset.bucket


def by_place(datasets: Iterable[Dataset]) -> dict[tuple[str, str], Dataset]:
    """One dataset of each store: to open it by."""
    return {place(dataset): dataset for dataset in datasets}


def _open(dataset: Dataset) -> Lake:
    from include.tasks.connections import open_bucket

    try:
        return Lake(open_bucket(dataset.store_conn_id, dataset.bucket, patient=False))
    except ImportError as error:
        fix = "install requirements.txt where the API server runs"
        raise BadSettings(f"{error.name or error} is not installed", fix=fix) from error
