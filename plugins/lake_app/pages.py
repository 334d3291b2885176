"""Each page's content: Airflow's facts and the store's, for one user."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from fastapi import HTTPException
from sqlalchemy.orm import Session

from include.lake_page import detail, overview, strip, timeline
from include.lake_page.commits import Commits, commits
from include.lake_page.figures import figures_of
from include.lake_page.overview import DatasetRuns, Listed, RunRow
from include.lake_page.runs import AirflowRun, Progress
from include.lake_page.stored_runs import Committed, Damaged, Lake
from include.lake_page.stored_windows import stored_windows
from include.lake_page.timeline import Timeline
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings
from include.transfer.store.bucket import Stored
from include.transfer.store.keys import Prefix
from plugins.lake_app import access, queries, returned
from plugins.lake_app.ended import kept_figures
from plugins.lake_app.stores import Stores, by_place, place

NEWEST = 5  # runs of each dataset on the first page
RUNS_A_PAGE = 25
BATCHES_A_PAGE = 100
MOST_AT_WORK = 20  # runs whose windows are drawn


class Pages:
    """The pages of one request."""

    def __init__(self, session: Session, user: BaseUser) -> None:
        self.session = session
        self.now = datetime.now(UTC)
        readable = access.readable_dags(user, session)
        self.everything = access.reads_every_dag(readable, session)
        self.dags = queries.copy_dags(session, readable)
        self.runs = queries.runs(session, self.dags)
        self.stores = Stores()

    def overview(self) -> dict[str, Any]:
        """Every dataset with its newest runs."""
        found = self._listed()
        shown = {name: listed[:NEWEST] for name, listed in found.items()}
        rows = self._rows([each for listed in shown.values() for each in listed])
        datasets = [self._dataset_runs(name, listed, rows[name]) for name, listed in found.items()]
        # Nothing is listed where a store would have to say what there is.
        troubles = [] if datasets else self.stores.listed()
        return {"datasets": datasets, "dags": self.dags, "troubles": troubles}

    def _dataset_runs(self, name: str, listed: list[Listed], rows: tuple[RunRow, ...]) -> DatasetRuns:
        newest = listed[0].run
        trouble = self.stores.troubles.get(place(newest.dataset)) if newest else None
        return DatasetRuns(name, overview.dags_of(listed), rows, len(listed), trouble)

    def dataset(self, name: str, page: int) -> dict[str, Any]:
        """One page of a dataset's runs."""
        listed = self._listed().get(name)
        if not listed:
            raise access.refuse_hidden_run(self.everything)
        first = (page - 1) * RUNS_A_PAGE
        shown = listed[first : first + RUNS_A_PAGE]
        rows = self._rows(shown).get(name, ())
        pages = -(-len(listed) // RUNS_A_PAGE)
        log, line = self._log(name, listed[0].run) if page == 1 else (Commits(), None)
        found = self._dataset_runs(name, listed, rows)
        return {"dataset": found, "commits": log, "timeline": line, "page": page, "pages": pages}

    def _log(self, name: str, run: AirflowRun | None) -> tuple[Commits, Timeline | None]:
        """The dataset's log, in the store of its newest run that Airflow knows, and its windows."""
        lake = self.stores.of(run.dataset) if run and self._owned(run) else None
        log, line = Commits(), None
        if run and lake:
            with self.stores.watched(run.dataset):
                log = commits(lake.bucket, name)
                if log.found and log.found[0].entry.windows:
                    line = self._timeline(lake, run.dataset, log)
        return log, line

    def _timeline(self, lake: Lake, dataset: Dataset, log: Commits) -> Timeline | None:
        entry = log.found[0].entry
        at_work = [run for run in self.runs if run.at_work and run.dataset.name == dataset.name]
        new = [run for run in at_work if run.prefix.run not in entry.runs][:MOST_AT_WORK]
        found = returned.progress(self.session, new)
        planned = {batch.window for each in found.values() for batch in each.planned or ()}
        copying = [ends for window in sorted(planned) if (ends := timeline.planned_range(window))]
        before, end = timeline.declared(dataset, entry)
        read = stored_windows(lake.bucket, timeline.runs_to_read(entry, Prefix(dataset.name, "any")))
        return timeline.draw(entry, log, read, before, copying, end)

    def run(self, dataset: str, run: str, sort: str, descending: bool, page: int) -> dict[str, Any]:
        """One run and its batches."""
        listed, home = self._find(dataset, run)
        prefix, known = listed.prefix, listed.run
        progress = returned.progress(self.session, [known])[known.key] if known else Progress()
        stored: Committed | Damaged | None = None
        objects: dict[str, int] | None = None
        report = None
        if lake := self.stores.of(home):
            with self.stores.watched(home):
                objects = lake.objects(prefix)
                stored = lake.manifest(prefix) if prefix.manifest in objects else None
                report = lake.report(prefix, objects)
        checked = place(home) not in self.stores.troubles
        figures = figures_of(known, progress, self.now)
        row = overview.run_row(prefix, known, figures, stored, self.now, checked=checked)
        manifest = stored if isinstance(stored, Committed) else None
        errors = returned.errors(self.session, known) if known else {}
        batches = detail.batches(prefix, known, progress, manifest, objects, self.now, errors)
        ordered = detail.sorted_by(batches.rows, sort, descending=descending)
        first = (page - 1) * BATCHES_A_PAGE
        return {
            "row": row,
            "run": known,
            "prefix": prefix,
            "manifest": manifest,
            "batches": batches,
            "shown": ordered[first : first + BATCHES_A_PAGE],
            "strip": strip.draw(batches.rows, batches.median_seconds),
            "sort": sort,
            "descending": descending,
            "page": page,
            "pages": max(-(-len(ordered) // BATCHES_A_PAGE), 1),
            "report": report,
            "bucket": home.bucket,
            "torn": stored.complaints if isinstance(stored, Damaged) else (),
            "unchanged": progress.unchanged,
            "troubles": [self.stores.troubles[place(home)]] if not checked else [],
        }

    def prefix(self, dataset: str, run: str) -> Prefix:
        """Where a run is that the user may see."""
        return self._find(dataset, run)[0].prefix

    def object(self, dataset: str, run: str, name: str) -> tuple[Stored, Iterator[bytes]]:
        """An object below the prefix of a run that the user may see. Raises TransferError."""
        listed, home = self._find(dataset, run)
        lake = self.stores.of(home)
        if lake is None:
            raise HTTPException(503, self.stores.listed()[0].text)
        stored = lake.bucket.head(f"{listed.prefix}{name}")
        if stored is None:
            raise HTTPException(404, "The store holds no such object.")
        return stored, lake.bucket.get(stored.key)

    # -- what there is -------------------------------------------------------------------------------------

    def _datasets(self) -> list[Dataset]:
        """The datasets as their DAGs and runs have them: for their connections and buckets."""
        declared = (queries.dataset_or_why(dag, None)[0] for dag in self.dags)
        return [*(run.dataset for run in self.runs), *(dataset for dataset in declared if dataset)]

    def _listed(self) -> dict[str, list[Listed]]:
        folders: set[Prefix] = set()
        for home in by_place(self._datasets()).values():
            folders |= self._folders(home)
        if not self.everything:  # whose DAG is not known, nobody with fewer rights may see
            folders &= {folder for run in self.runs for folder in self._own_folders(run)}
        return overview.list_runs(self.runs, folders)

    def _folders(self, home: Dataset) -> set[Prefix]:
        found: set[Prefix] = set()
        if lake := self.stores.of(home):
            with self.stores.watched(home):
                for dataset in lake.datasets():
                    found |= set(lake.runs(dataset))
        return found

    def _find(self, dataset: str, run: str) -> tuple[Listed, Dataset]:
        """The run, and a dataset by whose connection it is reached; refuses what the user may not see."""
        try:
            prefix = Prefix(dataset, run)
        except BadSettings:
            raise access.refuse_hidden_run(self.everything) from None
        known = next((each for each in self.runs if prefix in self._own_folders(each)), None)
        if known and self._owned(known):
            return Listed(prefix, known), known.dataset
        if self.everything:
            for home in by_place(self._datasets()).values():
                lake = self.stores.of(home)
                with self.stores.watched(home):
                    if lake and any(lake.bucket.objects(str(prefix))):
                        return Listed(prefix, None), home
        if troubles := self.stores.listed():
            raise HTTPException(503, troubles[0].text)
        raise access.refuse_hidden_run(self.everything)

    def _rows(self, listed: list[Listed]) -> dict[str, tuple[RunRow, ...]]:
        manifests, unchecked = self._manifests(listed)
        figures = kept_figures(self.session, [each.run for each in listed if each.run], self.now)
        rows = overview.rows_of(listed, figures, manifests, unchecked, self.now)
        by_name = groupby(rows, key=lambda row: row.prefix.dataset)
        return {name: tuple(group) for name, group in by_name}

    def _manifests(self, listed: list[Listed]) -> tuple[dict[Prefix, Committed | Damaged], set[Prefix]]:
        """The manifests of the runs, and the runs whose store could not be asked."""
        places = by_place(self._datasets())
        manifests: dict[Prefix, Committed | Damaged] = {}
        unchecked: set[Prefix] = set()
        for home in places.values():
            wanted = [each.prefix for each in listed if self._is_in(each.run, home) and self._owned(each.run)]
            lake = self.stores.of(home)
            with self.stores.watched(home):
                manifests |= lake.manifests(wanted) if lake else {}
            if place(home) in self.stores.troubles:
                unchecked |= set(wanted)
        return manifests, unchecked

    def _owned(self, run: AirflowRun | None) -> bool:
        """Whether the user may see what the store has of the run: the store says which DAG writes it."""
        if self.everything or run is None or (lake := self.stores.of(run.dataset)) is None:
            return True
        with self.stores.watched(run.dataset):
            return lake.is_written_by(run.dataset.name, run.dag.dag_id)
        return False

    def _own_folders(self, run: AirflowRun) -> set[Prefix]:
        """Where the run may be. A former name can be chosen: it counts where the store names the DAG."""
        named = self.everything
        if not named and (lake := self.stores.of(run.dataset)):
            with self.stores.watched(run.dataset):
                named = lake.writer(run.dataset.name) == run.dag.dag_id
        return {run.prefix, run.former} if named else {run.prefix}

    @staticmethod
    def _is_in(run: AirflowRun | None, home: Dataset) -> bool:
        """Whether the run is, or may be, in this store."""
        return run is None or place(run.dataset) == place(home)
