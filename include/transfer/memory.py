"""How much memory this process has taken."""

import resource
import sys


def peak_rss_mb() -> float:
    """This process's largest resident set so far, in MiB (getrusage gives KiB, on macOS bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
