"""A connection that Airflow does not give: named, and asked for again, since its server may restart."""

import pytest

from include.transfer.dataset import Dataset
from include.transfer.errors import NoConnection, Retryable


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("opener", "arguments", "kind"),
    [
        ("open_endpoint", ["nowhere"], "http"),
        ("open_api", [Dataset(name="x", conn_id="nowhere")], "http"),
        ("open_bucket", ["nowhere", "a-bucket"], "aws"),
        ("store_url", ["nowhere"], "aws"),
    ],
)
def test_a_connection_that_is_missing(opener, arguments, kind):
    from include.tasks import connections

    with pytest.raises(NoConnection, match=f"connection nowhere: .*create it, of type {kind}"):
        getattr(connections, opener)(*arguments)
    assert issubclass(NoConnection, Retryable)
