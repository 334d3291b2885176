"""Every fault that the lake must survive, and where it is met: a kind of weather, an incident, or a test.

A test of this table sees that each of them is there; the chaos report prints it with the number of times met.
"""

from __future__ import annotations

from tests.faults import plan
from tests.faults import weather as w

API_FAULTS = "tests/unit/transfer/test_api_faults.py"
UPLOADS = "tests/unit/transfer/test_bucket.py"
HERE = "tests/faults"
LONG = "tests/long/test_faults.py"

# Fault → kinds and incidents of the rounds, and tests (`file::name`).
MET: dict[str, tuple[str, ...]] = {
    "connection refused": (w.REFUSE, f"{API_FAULTS}::test_nobody_there"),
    "reset before a body": (w.RESET, f"{API_FAULTS}::test_reset_before_an_answer"),
    "reset in the middle of a body": (w.CUT, f"{API_FAULTS}::test_a_body_that_breaks_off_is_continued"),
    "slow drip": (w.DRIP, f"{API_FAULTS}::test_a_slow_drip_is_waited_for"),
    "stall": (w.STALL,),
    "stall past the timeout": (f"{API_FAULTS}::test_a_stall_is_not",),
    "truncated JSON": (w.TRUNCATED, f"{API_FAULTS}::test_an_answer_that_ends_too_early_once"),
    "invalid UTF-8": (w.BAD_UTF8, f"{API_FAULTS}::test_text_that_is_not_utf8"),
    "HTML with 200": (w.HTML, f"{API_FAULTS}::test_a_page_for_people"),
    "wrong Content-Length": (w.TOO_LONG, w.TOO_SHORT, f"{API_FAULTS}::test_a_length_that_promises_too_much"),
    "gzip cut short": (w.GZIP_CUT, f"{API_FAULTS}::test_an_answer_that_ends_too_early_once"),
    "429 without Retry-After": (w.TOO_MANY, f"{API_FAULTS}::test_statuses_that_may_pass"),
    "429 with Retry-After": (
        w.TOO_MANY_SOON,
        w.TOO_MANY_LATE,
        f"{API_FAULTS}::test_retry_after_that_is_too_long_frees_the_slot",
    ),
    "a storm of 429 that never ends": (f"{LONG}::test_a_storm_ends_the_run_with_a_reason",),
    "500, 502, 503, 504": (*w.STATUSES, f"{API_FAULTS}::test_statuses_that_may_pass"),
    "redirect loop": (w.LOOP, f"{API_FAULTS}::test_a_redirect_is_followed_and_a_circle_is_not"),
    "a source that grows in mid-run": (plan.GROWN,),
    "a source that shrinks in mid-run": (plan.SHRUNK,),
    "a source that reorders in mid-run": (plan.REORDERED,),
    "a source that changes a value in mid-run": (plan.EDITED,),
    "a source that changes a column in mid-run": (plan.RENAMED,),
    "a server that pages and counts in another way": tuple(plan.HONEST_STYLES),
    "a server, or settings, that would give wrong rows": tuple(plan.LYING_STYLES),
    "S3: 503 SlowDown": (w.SLOW_DOWN,),
    "S3: 500 InternalError": (w.INTERNAL,),
    "S3: reset in the middle of a part": (w.PUT_CUT,),
    "S3: a PUT that succeeds but whose answer is lost": (w.PUT_LOST,),
    "S3: reset of a read": (w.READ_RESET, w.READ_CUT),
    "S3: a listing that lags": (w.LIST_LAGS,),
    "S3: missing bucket": (plan.NO_BUCKET, "tests/unit/transfer/test_diagnose.py::test_a_store_that_refuses"),
    "S3: wrong keys": (plan.WRONG_KEY, "tests/unit/transfer/test_diagnose.py::test_a_store_that_refuses"),
    "S3: a full disk": (w.DISK_FULL, f"{HERE}/test_full_disk.py::test_a_store_whose_disk_is_full"),
    "S3: the store restarts": (plan.RESTART_STORE,),
    "SIGTERM of a copy": (plan.TERM_COPY,),
    "SIGKILL of a copy": (plan.KILL_COPY,),
    "SIGTERM of the executor's worker": (plan.TERM_WORKER,),
    "SIGKILL of the executor's worker": (plan.KILL_WORKER,),
    "SIGTERM of the scheduler": (plan.TERM_SCHEDULER,),
    "SIGKILL of the scheduler": (
        plan.KILL_SCHEDULER,
        plan.KILL_SCHEDULER_ALONE,
        "tests/long/test_processes.py::test_a_scheduler_killed_alone_with_its_locks_leaves_the_next_one_free",
    ),
    "SIGTERM of the API server": (plan.TERM_API_SERVER,),
    "SIGKILL of the API server": (plan.KILL_API_SERVER,),
    "a clear of one map": (plan.CLEAR_MAP,),
    "a clear of all": (plan.CLEAR_ALL,),
    "a clear of a succeeded run": (plan.CLEAR_MAP_LATER, plan.CLEAR_ALL_LATER),
    "the plan changed between a clear and a retry": (plan.REPLANNED, plan.REPLACED_LATER),
    "two runs of the same DAG at once": (plan.TWO_RUNS,),
    "a heartbeat lost": (plan.LOST_HEARTBEAT,),
    "a source that grows, and a run that appends": (plan.APPENDED,),
    "a run of an unchanged source": (plan.SAME_AGAIN,),
    "a run of an unchanged source, forced": (plan.FORCED,),
    "a clear in the middle of a retention": (plan.CLEARED_IN_RETENTION,),
}
