"""`python -m fdlocal`."""

from fdlocal.cli import main

raise SystemExit(main())
