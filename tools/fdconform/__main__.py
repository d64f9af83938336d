"""`python -m fdconform`."""

import sys

from fdconform.cli import main

sys.exit(main())
