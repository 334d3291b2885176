"""The commands behind `make export-config`, `make image-test` and `make compose-test`."""

import sys

from services.deploy.compose_test import compose_test
from services.deploy.export import export_config
from services.deploy.image_test import image_test
from services.local.command_line import command_line

main = command_line(__doc__, (export_config, image_test, compose_test))

if __name__ == "__main__":
    sys.exit(main(None))
