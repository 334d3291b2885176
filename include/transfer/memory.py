"""This process's memory: how much it has taken, and how it gives large buffers back."""

import ctypes
import re
import resource
import sys
from contextlib import suppress
from pathlib import Path

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_LARGE_BYTES = 1 << 20
_KEPT_BYTES = 4 << 20


def peak_rss_mb() -> float:
    """This process's largest resident set so far, in MiB.

    Linux says it in its status; getrusage would give the parent's too after fork and exec.
    It serves elsewhere (in KiB, on macOS in bytes).
    """
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    kib = int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(kib / (1024 * 1024 if not found and sys.platform == "darwin" else 1024), 1)


def return_large_buffers() -> None:
    """Have glibc map every buffer of 1 MB or more by itself, so that it goes back when it is freed.

    Left alone it raises that limit to the largest buffer that was ever freed, an upload's part, and takes the
    next parts from its heap, among small objects that keep it from shrinking: 5 to 10 MB of a copy's peak.
    What a block of rows frees stays for the next one, up to 4 MB: given back each time, it would come again
    as pages that the kernel fills with zeros first. Other C libraries do not have the call; nothing happens.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
