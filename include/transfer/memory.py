"""How much memory this process has taken."""

import re
import resource
import sys
from pathlib import Path


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
