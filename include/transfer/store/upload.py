"""An object as parts of an upload: while some are sent, the next is made."""

import hashlib
import mmap
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from include.transfer.errors import StoreRefused

# S3 takes parts of 5 MiB to 5 GiB, 10,000 at the most: an object can hold 48 GiB. The smallest, since those
# in memory are most of what a copy adds to a process.
PART_BYTES = 5 << 20
MOST_PARTS = 10_000
_IN_MEMORY = 2  # parts: both are sent, or one is sent while the next is made
_SECONDS_TO_END = 5.0


def in_parts(pieces: Iterator[bytes]) -> Iterator[memoryview]:
    """The bytes of `pieces` in parts of PART_BYTES, the last one shorter; of no bytes, one empty part.

    As many buffers as may be in memory are filled in turns: a part is overwritten by the next but one.
    Raises StoreRefused for more than an object can hold.
    """
    # Mapped, so that a small object takes the pages that it fills and no more.
    maps = [mmap.mmap(-1, PART_BYTES, mmap.MAP_PRIVATE) for _ in range(_IN_MEMORY)]
    buffers = [memoryview(each) for each in maps]
    full = size = 0  # parts, and bytes of the next one
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            if full == MOST_PARTS:
                raise StoreRefused(
                    f"the object has grown beyond {MOST_PARTS * PART_BYTES >> 30} GiB, the most that "
                    f"{MOST_PARTS:,} parts of {PART_BYTES >> 20} MiB hold",
                    fix="make batches smaller",
                )
            buffer, taken = buffers[full % _IN_MEMORY], rest[: PART_BYTES - size]
            buffer[size : size + len(taken)] = taken
            size, rest = size + len(taken), rest[len(taken) :]
            if size == PART_BYTES:
                yield buffer
                full, size = full + 1, 0
    if size or not full:
        yield buffers[full % _IN_MEMORY][:size]


class Sent(NamedTuple):
    bytes: int
    sha256: str
    etag: str  # of the whole object


def send_all(
    parts: Iterator[memoryview],
    send: Callable[[int, memoryview], str],
    complete: Callable[[Sequence[str]], str],
    give_up: Callable[[], None],
) -> Sent:
    """Send each part in a thread, by its number from 1 on; then complete the object from the parts' ETags.

    A part has been sent before the next but one is asked for.
    Raises what ended any of it, after `give_up()`. But where a part is still being sent some seconds after a
    Ctrl-C or a task's time-out, nothing is given up: a store that stalls must not hold these up, and the
    sweep aborts what they leave.
    """
    size, digest = 0, hashlib.sha256()
    sending: list[Future[str]] = []
    pool = ThreadPoolExecutor(_IN_MEMORY, thread_name_prefix="upload")
    try:
        for part in parts:
            sending.append(pool.submit(send, len(sending) + 1, part))
            size += len(part)
            digest.update(part)
            if len(sending) >= _IN_MEMORY:
                sending[-_IN_MEMORY].result()
        etag = complete([each.result() for each in sending])
    except BaseException as error:
        if not wait(sending, None if isinstance(error, Exception) else _SECONDS_TO_END).not_done:
            give_up()
        raise
    finally:
        pool.shutdown(wait=False)
    return Sent(size, digest.hexdigest(), etag)
