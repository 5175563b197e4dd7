"""What the tests of the embedded store have in common."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
