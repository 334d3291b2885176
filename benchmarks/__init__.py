"""`make bench`: measures the copies beside other ways to do the same, on real servers."""
