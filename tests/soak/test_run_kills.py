"""The whole program, killed 50 times in mid-load."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "app"))

from run_kills import survive


@pytest.mark.soak
async def test_50_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    report = await survive(tmp_path, kills=50, seed=50)
    assert report.events > 50_000
    assert report.again > 0
    assert len(report.killed.incidents) > 500
    assert report.actions > 10
