"""What the tests of the lane have in common."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
