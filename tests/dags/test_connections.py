"""A connection that Airflow does not give: named, and asked for again, since its server may restart."""

import pytest

from include.transfer.dataset import Dataset
from include.transfer.errors import NoConnection, Retryable


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("opener", "kind"), [("open_api", "http"), ("open_bucket", "aws"), ("store_url", "aws")]
)
def test_a_connection_that_is_missing(opener, kind):
    from include.tasks import connections

    dataset = Dataset(name="x", conn_id="nowhere", store_conn_id="nowhere")
    with pytest.raises(NoConnection, match=f"no connection nowhere; expected one of type {kind}; make it"):
        getattr(connections, opener)(dataset)
    assert issubclass(NoConnection, Retryable)
