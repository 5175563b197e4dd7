"""The embedded store, killed 1,000 times while it commits."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations" / "embedded"))

from kills import survive_kills


@pytest.mark.soak
def test_1000_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    assert survive_kills(tmp_path / "impetus.db", kills=1_000, every=100, seed=17) > 1_000
