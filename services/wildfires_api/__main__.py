"""`python -m services.wildfires_api`: see `cli`."""

import sys

from services.wildfires_api.cli import main

sys.exit(main())
