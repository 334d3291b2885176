"""What a run's form may say about force, drift and retention."""

import pytest

from include.transfer.errors import BadSettings
from include.transfer.policy import Policy


def test_a_form_without_the_fields_means_the_defaults():
    assert Policy.from_params({"batch_size": 5}) == Policy(force=False, on_drift="fail", keep_runs=0)
    assert Policy.from_params({"keep_runs": 3, "on_drift": "append", "format": "csv"}) == Policy(
        keep_runs=3, on_drift="append"
    )


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"force": "yes"}, "force is 'yes', not true or false"),
        ({"on_drift": "ignore"}, "on_drift is 'ignore', not one of fail, append"),
        ({"keep_runs": -1}, "keep_runs is -1, not a whole number of 0 or more"),
        ({"keep_runs": True}, "keep_runs is True"),
        ({"keep_runs": "3"}, "keep_runs is '3'"),
        ({"keep_runs": "1", "force": 1}, "force is 1, .*; keep_runs is '1'"),
    ],
)
def test_what_means_nothing_is_refused(values, says):
    with pytest.raises(BadSettings, match=says):
        Policy.from_params(values)
