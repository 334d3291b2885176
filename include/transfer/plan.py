"""Plan a run: its document in the store, with the columns that all its objects have.

Where the dataset declares none, they are inferred from a sample of its rows.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from include.transfer.commit.history import newest_manifest
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.plan_document import Plan
from include.transfer.commit.standing import refuse_removed
from include.transfer.dataset import Dataset
from include.transfer.errors import Overtaken
from include.transfer.formats import FORMATS
from include.transfer.payloads import Counted, PlannedBatch
from include.transfer.schema.columns import RESCUED
from include.transfer.schema.contract import contract_of
from include.transfer.source.api import Api
from include.transfer.source.sample import sample
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.store.swap import swap_json

log = logging.getLogger(__name__)

_MOST_SHOWN = 2_000


def write_plan(
    api: Api, bucket: Bucket, prefix: Prefix, counted: Counted, batches: Sequence[PlannedBatch]
) -> Plan:
    """Put the run's plan in its place; returns the one that stands there.

    Safe to run again and beside other attempts: what an earlier one planned of the same version is kept, and
    no source asked for it. Raises Overtaken where another attempt planned something else meanwhile.
    """
    refuse_removed(bucket, prefix)
    stored, etag = bucket.get_document(prefix.plan)
    own = _declared(api, prefix, counted, batches)
    standing = Plan.from_dict(stored, prefix)
    same = standing is not None and replace(standing, types=own.types) == own
    if standing and same and (own.version is not None or not own.inferred):
        return standing
    if own.inferred:
        own = replace(own, types=_inferred(api, own.count))
    _tell_of_change(api.dataset, own, newest_manifest(bucket, prefix))
    if standing == own or swap_json(bucket, prefix.plan, own.to_dict(), etag):
        return own
    if own != Plan.from_dict(bucket.get_json(prefix.plan), prefix):
        raise Overtaken("another attempt planned other batches or columns", where=bucket.uri(prefix.plan))
    return own


def _declared(api: Api, prefix: Prefix, counted: Counted, batches: Sequence[PlannedBatch]) -> Plan:
    """The plan with the columns that the dataset declares, if it does."""
    dataset = api.dataset
    return Plan(
        prefix=prefix,
        url=api.url,
        count=counted["rows"],
        version=counted["version"],
        fingerprint=dataset.fingerprint,
        slices=tuple((each["start"], each["limit"]) for each in batches),
        types=dataset.types,
        inferred=not dataset.types,
    )


def _inferred(api: Api, total: int | None) -> dict[str, str]:
    """Column → type, of a sample; nothing where each row keeps its own columns."""
    dataset = api.dataset
    if dataset.rescues and not FORMATS[dataset.format].TABULAR:
        return {}
    with api.secrets_hidden():
        types = contract_of(sample(api, total)).types
    if dataset.rescues:
        types.pop(RESCUED, None)
    named = ", ".join(f"{name} {kind}" for name, kind in types.items())
    log.info("%d columns, inferred from a sample: %s", len(types), named[:_MOST_SHOWN])
    return types


def _tell_of_change(dataset: Dataset, plan: Plan, before: Manifest | None) -> None:
    """Log where a dataset's columns are others than in the run that readers see now."""
    if before is None or not plan.types:
        return
    old = [name for name in before.columns if name != RESCUED]
    typed = FORMATS[dataset.format].TYPED
    now = plan.types
    changes = [
        *(f"new {name}" for name in now if name not in old),
        *(f"gone {name}" for name in old if name not in now),
        *(
            f"{name} {before.types[name]} → {kind}"
            for name, kind in now.items()
            if typed and before.types.get(name, kind) != kind
        ),
    ]
    if changes:
        log.warning("other columns than in run %s: %s", before.prefix.run, ", ".join(changes)[:_MOST_SHOWN])
