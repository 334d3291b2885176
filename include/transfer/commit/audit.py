"""A committed run, read again from outside: does the store hold what its manifest says, byte by byte?"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from include.transfer.batches import Batch
from include.transfer.commit.contradictions import contradictions
from include.transfer.commit.manifest import Manifest, complaints
from include.transfer.commit.plan_document import Plan
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.repeats import Distinct, compare_rows
from include.transfer.commit.verify import check_alike, check_twins
from include.transfer.errors import Finding
from include.transfer.formats import FORMATS
from include.transfer.formats.read_back import read_back
from include.transfer.formats.unreadable import Unreadable
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

Tick = Callable[[str], None]
_PIECE = 1 << 20


@dataclass(frozen=True)
class Audit:
    """What was read, and everything that is wrong; nothing wrong: `findings` is empty.

    `manifest`: as it stands in the store; None where there is none that can be read. `proven`: what the
    stored hashes say of the rows.
    """

    manifest: Manifest | None
    findings: list[Finding] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)


def audit(bucket: Bucket, prefix: Prefix, tick: Tick = lambda text: None) -> Audit:
    """Read the run's manifest and every object that it names. `tick` is told how far it is, often.

    Raises the errors of the store; what is wrong with the run is a finding, never an error.
    """
    manifest, etag, findings = read_manifest(bucket, prefix)
    if manifest is None:
        return Audit(None, findings)
    findings += read_objects(bucket, manifest, manifest.receipts, etag, tick)
    tick("comparing the hashes of all rows")
    distinct = _distinct(bucket, manifest)
    findings += [*distinct.findings, *around(bucket, manifest, etag)]
    return Audit(manifest, findings, list(proven(distinct)))


def read_manifest(bucket: Bucket, prefix: Prefix) -> tuple[Manifest | None, str, list[Finding]]:
    """The run's manifest and its ETag, and what is wrong with it by itself; None: there is none."""
    uri = bucket.uri(prefix.manifest)
    stored, etag = bucket.get_document(prefix.manifest)
    if not etag:
        return None, "", [Finding(uri, "it is not there: the run is not committed")]
    manifest = Manifest.from_dict(stored, prefix)
    if stored is None or manifest is None:
        complained = complaints(stored, prefix)
        return None, etag, [Finding(uri, f"it is no manifest of this run: {why}") for why in complained]
    findings = list(contradictions(manifest, stored))
    if FORMATS[manifest.format].TABULAR:
        findings += check_alike(manifest.receipts, ordered=manifest.ordered)
    return manifest, etag, [*findings, *check_twins(manifest.receipts)]


def read_objects(
    bucket: Bucket, manifest: Manifest, receipts: Sequence[Receipt], etag: str, tick: Tick
) -> Iterator[Finding]:
    """What is wrong with the objects of these receipts, which are the manifest's, and with what is beside."""
    done, whole = 0, sum(receipt.bytes for receipt in receipts)
    for number, receipt in enumerate(receipts, 1):
        read = f"{done / 1e6:,.0f} of {whole / 1e6:,.0f} MB"
        tick(f"reading back object {number} of {len(receipts)}, {read}")
        yield from _object(bucket, manifest, receipt)
        yield from _receipt(bucket, manifest.prefix, receipt, etag)
        done += receipt.bytes


def _distinct(bucket: Bucket, manifest: Manifest) -> Distinct:
    """What comes twice, and is not what the manifest admits."""
    said = ((manifest.proof or {}).get("rows") or {}).get("repeated", 0)
    distinct = compare_rows(bucket, manifest.prefix, manifest.receipts, "allow" if said else "fail")
    if said and not distinct.unproven and distinct.repeated != said:
        got = f"{distinct.repeated:,} rows come twice; its proof says {said:,}"
        distinct.findings.append(Finding("the manifest", got))
    return distinct


def proven(distinct: Distinct) -> Iterator[str]:
    """What the stored hashes say of the rows, as a person says it."""
    if distinct.findings or distinct.unproven or not distinct.rows:
        return
    yield "pages distinct"
    yield f"{distinct.repeated:,} rows repeated" if distinct.repeated else "rows distinct"
    if distinct.key:
        yield f"key unique{', ordered' if distinct.key.ordered else ''}"


def _object(bucket: Bucket, manifest: Manifest, receipt: Receipt) -> Iterator[Finding]:
    where = f"{receipt.name}: {receipt.key}"
    if bucket.head(receipt.key) is None:
        yield Finding(where, "it is not there")
        return
    with tempfile.TemporaryFile() as file:
        size, sha256 = _kept(bucket.get(receipt.key), file, receipt.bytes)
        if (size, sha256) != (receipt.bytes, receipt.sha256):
            if size != receipt.bytes:
                more = "more than " if size > receipt.bytes else ""
                found = f"{more}{min(size, receipt.bytes)}"
                yield Finding(where, f"its bytes is {found}; the receipt says {receipt.bytes}")
            yield Finding(where, f"its sha256 is {sha256}; the receipt says {receipt.sha256}")
            return
        try:
            pieces = iter(lambda: file.read(_PIECE), b"")
            what = (manifest.format, manifest.compression, receipt.columns, receipt.types)
            rows = read_back(pieces, *what).rows
        except Unreadable as error:
            yield Finding(where, str(error))
            return
    if rows != receipt.rows:
        yield Finding(where, f"its rows is {rows}; the receipt says {receipt.rows}")


def _kept(pieces: Iterator[bytes], file: IO[bytes], most: int) -> tuple[int, str]:
    """Write the pieces to `file`, which is at its beginning then; returns their bytes and SHA-256.

    Nothing is parsed before these are known to be right: what took the place of an object may unpack to
    anything. Of a longer one no more than a piece behind `most` bytes is read.
    """
    size, digest = 0, hashlib.sha256()
    for piece in pieces:
        file.write(piece)
        digest.update(piece)
        size += len(piece)
        if size > most:
            break
    file.seek(0)
    return size, digest.hexdigest()


def _receipt(bucket: Bucket, prefix: Prefix, receipt: Receipt, etag: str) -> Iterator[Finding]:
    """The receipt beside is the manifest's, or that of an attempt that copies the batch anew."""
    key = prefix.within(receipt.window).receipt(Batch(receipt.start, receipt.rows))
    beside = Receipt.from_dict(bucket.get_json(key))
    if beside is None or (beside != receipt and not prefix.began_with(beside.key, etag)):
        got = "it is not there, or no receipt" if beside is None else "it says other things than the manifest"
        yield Finding(f"{receipt.name}: {key}", got)


def around(bucket: Bucket, manifest: Manifest, etag: str) -> Iterator[Finding]:
    """What stands in the run's folder, and is neither of the run nor of an attempt to copy it anew."""
    kept, prefix = manifest.keys, manifest.prefix
    for found in bucket.objects(str(prefix)):
        ours = prefix.is_data(found.key) or prefix.is_receipt(found.key)
        if ours and found.key not in kept and not prefix.began_with(found.key, etag):
            yield Finding(found.key, "it is in the store, and the manifest does not name it")
    planned, there = bucket.get_document(prefix.plan)
    if there and Plan.from_dict(planned, prefix) is None:
        yield Finding(prefix.plan, "it is no plan of this run", "clear the run from plan on")
    if bucket.head(prefix.tombstone):
        yield Finding(prefix.tombstone, "it is there: this run is being removed")
