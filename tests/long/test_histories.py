"""As tests/unit/transfer/test_histories.py, with many more histories."""

from hypothesis import HealthCheck, given, settings

from tests.unit.transfer.test_histories import HISTORIES, play


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(HISTORIES)
def test_what_is_live_is_what_the_source_had(history):
    play(history)
