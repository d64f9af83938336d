"""`python -m tests.fdconform.defective NAME …`: our daemon with a deliberate defect; the rest are its own options."""

import sys

from fdaemon.cli import main
from tests.fdconform.defects import switch_on

if __name__ == "__main__":
    switch_on(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
