"""A run of a dataset that is copied by windows: each window is a copy of its own, with a filter in its query.

due.py       which range a run takes: from the commit log's watermark on, or its own interval
plan.py      its windows, each counted, and the batches in them; kept in the store for what follows
verify.py    each window as a whole dataset is, and all of them together
commit.py    one manifest; windows that hold the same rows as before keep their old objects
"""
