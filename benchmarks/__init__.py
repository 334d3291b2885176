"""`make bench`: the copies measured side by side with other ways of doing the same, on real servers."""
