"""Probe: from a URL to a dataset's settings, by asking.

command.py             python -m include.transfer probe
search.py              every candidate is tried out; the first that is proven is what was found
  recognise.py         candidates: what is asked for, in which order
    asking.py          one request: bounded in number, size and time
    opening.py         the first answer
    shape.py           where the rows are in it
    totals_seen.py     which of its numbers may be the number of rows
    counting.py        where that is said: beside the rows, or at a path of its own
    limits.py          the parameter that limits an answer, and how many rows the server gives at most
    positions.py       offsets and pages, told apart by the rows that come
    continuations.py   links, tokens and row ids that lead to the next answer
    names.py           what APIs usually call all that
  trial.py             a candidate in the engine's own hands: count, first answers, middle, last
schema/contract.py     columns and their types, as a run infers them
written.py             settings, DAG file and report as text
"""
