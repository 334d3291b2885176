"""What a killed scheduler leaves behind does not stop the next one."""

import signal
import time

import pytest

from tests.faults.arena import Arena

SECONDS = 150
# Backends that hold a lock on the pools within a transaction in which nothing happens: the scheduler's.
HOLDING = """
    SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l USING (pid) JOIN pg_class c ON c.oid = l.relation
    WHERE a.state = 'idle in transaction' AND c.relname = 'slot_pool' AND l.mode = 'RowShareLock'
"""


def kill_with_locks(place: Arena) -> int:
    """SIGKILL to the scheduler alone, in a moment when it holds the pools' lock; returns its process id."""
    import psutil
    import psycopg

    from tests.long.traces import database

    scheduler = psutil.Process(place.stack.supervisor.states()["scheduler"]["pid"])
    deadline = time.monotonic() + SECONDS
    with psycopg.connect(database(place.stack), autocommit=True) as connection:
        while time.monotonic() < deadline:
            scheduler.suspend()
            if connection.execute(HOLDING).fetchone() != (0,):
                scheduler.send_signal(signal.SIGKILL)
                return scheduler.pid
            scheduler.resume()
            time.sleep(0.003)
    pytest.fail("the scheduler was never met with the pools' lock")


def test_a_scheduler_killed_alone_with_its_locks_leaves_the_next_one_free(place):
    import psutil

    slot = place.slots[0]
    slot.source.reset("base")
    conf = {"name": "killed-scheduler", "version_header": "ETag", "batch_size": 100, **slot.connections}
    run = slot.api.trigger("api_to_s3", conf)
    killed = kill_with_locks(place)

    assert place.stack.wait(run, SECONDS) == "success"
    scheduler = psutil.Process(place.stack.supervisor.states()["scheduler"]["pid"])
    assert scheduler.pid != killed
    workers = [process for process in psutil.process_iter() if _is_worker(process, place.stack.home.root)]
    assert {process.ppid() for process in workers} == {scheduler.pid}


def _is_worker(process, root) -> bool:
    import psutil

    from services.local.airflow_env import MARK

    try:
        title = " ".join(process.cmdline())
        return title.startswith("airflow worker -- LocalExecutor") and process.environ().get(MARK) == str(
            root
        )
    except psutil.Error:
        return False


def test_the_database_ends_transactions_in_which_nothing_happens(place):
    import psycopg

    from tests.long.traces import database

    with psycopg.connect(database(place.stack)) as connection:
        assert connection.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)
