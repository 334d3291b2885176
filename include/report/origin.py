"""What a run's rows are, by its manifest, as every chart and the page say it."""

from dataclasses import dataclass

from include.transfer.commit.manifest import Manifest


@dataclass(frozen=True)
class Origin:
    """`line`: one sentence for readers; `generated`: the rows are made up, which nobody may overlook."""

    line: str
    generated: bool = False

    @classmethod
    def of(cls, manifest: Manifest | None) -> "Origin":
        if manifest is None or not manifest.provenance:
            return cls("Source: not named by the API that the rows were copied from")
        if manifest.generated:
            return cls(manifest.provenance, generated=True)
        return cls(f"Source: {manifest.provenance}")
