"""`python -m fdmon`."""

from fdmon.cli import main

raise SystemExit(main())
