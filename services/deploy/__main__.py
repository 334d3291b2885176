"""The commands behind `make export-config` and `make image-test`."""

import sys

from services.deploy.export import export_config
from services.deploy.image_test import image_test
from services.local.command_line import command_line

main = command_line(__doc__, (export_config, image_test))

if __name__ == "__main__":
    sys.exit(main(None))
