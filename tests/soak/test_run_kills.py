"""The whole program, killed 1,000 times in mid-load: twenty parts, each compared with a run that was never killed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "app"))

from run_kills import survive


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
async def test_1000_kills_lose_nothing_and_double_nothing(tmp_path: Path, part: int) -> None:
    report = await survive(tmp_path, kills=50, seed=50 + part)
    assert report.events > 50_000
    assert report.again > 0
    assert len(report.killed.incidents) > 500
    assert report.actions > 10
