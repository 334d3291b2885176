"""Walk: a chain of answers, each leading to the next, cut into segments that end where an answer does."""

from collections.abc import Generator, Iterator
from itertools import islice

from include.transfer.errors import SourceRefused, WrongRowCount
from include.transfer.redact import redact
from include.transfer.source.api import BEHIND_THE_END, Api
from include.transfer.source.blocks import Block
from include.transfer.source.chains import Answer, Chained
from include.transfer.source.json_rows import Around
from include.transfer.source.row_hashes import RowHashes

# What is read of an answer before any of it is handed on: one that breaks off within is asked for again.
_BLOCKS_AHEAD = 16


class Walk:
    """The rows of a source from a `mark` on: see chains.py. Memory does not depend on their number.

    `at`: how many rows stand in front of the mark. `ended`: no answer follows.
    """

    def __init__(self, api: Api, mark: str | None = None, at: int = 0) -> None:
        self.mark = mark
        self.at = at
        self.ended = False
        self._api = api
        self._chained = api.chained
        api.version = None
        self._ahead: _Reading | None = None
        self._compared, self._steps, self._power = mark, 0, 1

    def segment(self, least: int, hashes: RowHashes) -> Iterator[Block]:
        """Whole answers, until they have `least` rows or the chain ends. `hashes` takes note of each.

        The answer behind the segment is begun, so that no segment is left without rows. Raises WrongRowCount
        for a chain that goes in circles, RowsRepeated for two answers with the same rows.
        """
        rows = 0
        while not self.ended and rows < least:
            for block in self.answer(hashes):
                rows += len(block.rows)
                yield block
            if rows >= least and not self.ended:
                self._look_ahead()
        hashes.end_page()

    def answer(self, hashes: RowHashes) -> Iterator[Block]:
        """The answer at the mark, whole; then the mark is the next one's."""
        reading = self._ahead or self._begin()
        self._ahead = None
        hashes.begin_page(self.at)
        for block in reading.blocks():
            hashes.add(block)
            yield block
        self._go_on(reading)

    def close(self) -> None:
        """End what is read ahead."""
        if self._ahead:
            self._ahead.close()

    def _look_ahead(self) -> None:
        reading = self._begin()
        if reading.rows:
            self._ahead = reading
        else:
            self._go_on(reading)

    def _begin(self) -> "_Reading":
        """Ask for the next answer; again, where it breaks off before any of it was handed on."""
        for attempt in self._api.patience.retrying():
            with attempt:
                return self._read()
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    def _read(self) -> "_Reading":
        reading = _Reading(self._api, self._chained, self.mark, self.at)
        try:
            reading.begin()
        except SourceRefused as error:
            # Where answers are counted through, some servers refuse what is behind the last.
            if self.mark is None or not self._chained.COUNTS or error.status not in BEHIND_THE_END:
                raise
        return reading

    def _go_on(self, reading: "_Reading") -> None:
        following = self._api.next(reading.answer) if reading.answer else None
        self.at += reading.rows
        if following is not None:
            self._check_progress(following, reading)
        self.mark, self.ended = following, following is None

    def _check_progress(self, following: str, reading: "_Reading") -> None:
        where, named = f"{self._api.asked} (rows from {self.at:,} on)", redact(following)[:80]
        if not reading.rows:
            got = f"an answer without rows names a next one, {named!r}"
            raise WrongRowCount(got, where=where, fix="if the API ends so, set paging's until to empty")
        if following in (self.mark, self._compared):
            got = f"it leads back to an answer that came before, {named!r}"
            raise WrongRowCount(got, where=where, fix="check paging's param and token")
        self._steps += 1
        if self._steps == self._power:  # Brent's way: a circle of any length is found, in memory of one mark
            self._compared, self._steps, self._power = following, 0, self._power * 2


class _Reading:
    """One answer: its first blocks are held, the others come as they are taken."""

    def __init__(self, api: Api, chained: Chained, mark: str | None, at: int) -> None:
        self.rows = 0  # that were read
        self.answer: Answer | None = None  # once all of it was read
        self._api, self._chained, self._mark, self._at = api, chained, mark, at
        self._stream = self._read()
        self._held: list[Block] = []

    def begin(self) -> None:
        """Read the first blocks; the whole answer, unless it is long."""
        self._held = list(islice(self._stream, _BLOCKS_AHEAD))

    def blocks(self) -> Iterator[Block]:
        """All of it. Raises BodyBroken where it breaks off behind what was held, handed on by then."""
        yield from self._held
        self._held = []
        yield from self._stream

    def close(self) -> None:
        """End the request."""
        self._stream.close()

    def _read(self) -> Generator[Block]:
        around, last = Around(), None
        with self._api.open(self._chained.request(self._mark), self._at) as response:
            self._api.check_version(
                response.headers, self._chained.request(None), new=self._api.version is None
            )
            for block in self._api.blocks(response, around):
                self.rows += len(block.rows)
                last = block.rows[-1]
                yield block
            self.answer = Answer(self._mark, response.url, response.headers, around.value(), last, self.rows)
