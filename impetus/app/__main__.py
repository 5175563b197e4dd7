"""``python -m impetus.app``: the command ``impetus``."""

import sys

from impetus.app.cli import main

sys.exit(main())
