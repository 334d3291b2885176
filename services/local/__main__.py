"""What is behind `make run`, `verify`, `up`, `down`, `status`, `data`, `export-config` and their like."""

import sys

from services.deploy.export import export_config
from services.local.command_line import command_line
from services.local.commands import airflow, data, down, logs, password, services, status, up, verify
from services.local.dbt_manifest import dbt_manifest
from services.local.doctor import doctor
from services.local.probe import probe
from services.local.run_once import run
from services.local.run_report import run_report

main = command_line(
    __doc__,
    (
        *(run, run_report, probe, verify, data, up, services, down),
        *(status, password, logs, doctor, export_config, dbt_manifest),
    ),
    (airflow,),
)

if __name__ == "__main__":
    sys.exit(main(None))
