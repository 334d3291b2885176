"""The commands behind `make k8s-up`, `k8s-status`, `k8s-logs`, `k8s-secret` and `k8s-down`."""

import sys

from services.kubernetes.commands import down, logs, secret, status, up
from services.local.command_line import command_line

main = command_line(
    __doc__,
    (up, status, logs, secret, down),
    interrupted="Interrupted. `make k8s-up` goes on from here, `make k8s-down` removes everything.",
)

if __name__ == "__main__":
    sys.exit(main(None))
