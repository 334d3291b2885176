"""What can go wrong with the sample source's data, in words for the person at the terminal.

DatasetError
├── DatasetMissing    no dataset in the folder: generate or load one
├── DatasetInvalid    the folder holds something that is not a whole dataset
└── SchemaMismatch    a file to load has other columns than the 4th edition's
"""


class DatasetError(Exception):
    """Base class: its message says what happened, what was expected and what to do."""


class DatasetMissing(DatasetError):
    """The folder holds no dataset."""


class DatasetInvalid(DatasetError):
    """The folder's files do not belong together, or are not a dataset's."""


class SchemaMismatch(DatasetError):
    """The file's columns are not those of the FPA-FOD, 4th edition."""
