"""What a task that failed leaves for the page."""

import pytest

from include.tasks.context import error_kept
from include.transfer.errors import SourceRefused


class Left:
    """A task instance that keeps what is pushed."""

    def __init__(self):
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed[key] = value


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (SourceRefused("status 403", where="GET /rows", fix="ask for the right"), "status 403"),
        (ValueError("password=hunter2"), "ValueError"),
        (SourceRefused("x" * 10_000), "x" * 1_000),
    ],
)
def test_its_own_error_is_kept_and_of_another_no_more_than_its_class(error, kept):
    left = Left()
    error_kept({"exception": error, "ti": left})
    assert kept in left.pushed["error"]
    assert "hunter2" not in left.pushed["error"]
    assert len(left.pushed["error"]) <= 2_000


def test_a_task_that_was_killed_leaves_nothing():
    left = Left()
    error_kept({"ti": left})
    assert left.pushed == {}
