"""A dataset's Parquet objects as a table of an Iceberg catalog, which any engine reads. No byte is moved.

names.py      how a dataset names its table
storage.py    the store's connection in pyiceberg's words
catalog.py    the catalog behind a connection; its errors, named and without secrets
table.py      LakeTable: what a commit asks for: bring the table up to the log, expire snapshots
live_keys.py  which objects the table must hold, by the dataset's commit log
columns.py    the columns of the table, from the contracts of the runs
partitions.py by what it is partitioned: the field of the dataset's window
change.py     one snapshot: files added and removed at once
expiry.py     snapshots that go, so that the objects they name may
"""
