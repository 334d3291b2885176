"""Large buffers go back to the system when they are freed: what keeps a long copy as small as a short one."""

import ctypes
from contextlib import suppress

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_LARGE_BYTES = 256 << 10


def return_large_buffers() -> None:
    """Have glibc map every buffer of 256 KB or more by itself.

    Left alone it raises that limit to the largest buffer that was ever freed, an upload's part, and takes the
    next parts from its heap, among small objects that keep it from shrinking: 5 to 10 MB of a copy's peak.
    Other C libraries do not have the call; nothing happens there.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
