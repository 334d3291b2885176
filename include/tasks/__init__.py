"""All of include/ that imports Airflow: tasks and what they need of it. DAG files import include/lake.py.

preload.py      what the process that forks tasks imports once, for all of them
copying.py      the five tasks of a copy: count_rows, plan, copy, verify, commit
group.py        copy_to_lake: the five, connected
by_year.py      two more for wildfires_per_year
classic.py      callables of the classic operators in wildfires_classic
checks.py       the tasks of lake_doctor, and where a task runs
reporting.py    the tasks of the report, each in its interpreter
context.py      what a task reads of its run, and leaves for the page
connections.py  Airflow's connections as what a copy works with
forms.py        the trigger form; form_fields.py: what it says of each setting
retries.py      what a failed task does next
"""
