"""Killed in mid-load, the whole program ends in the state of a run that was never killed."""

from pathlib import Path

from run_kills import survive


async def test_eight_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    report = await survive(tmp_path, kills=8, seed=1)
    # A load that finds nothing would prove nothing.
    assert report.events > 5_000
    assert len(report.killed.incidents) > 50


async def test_kills_in_the_midst_of_reloads_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    report = await survive(tmp_path, kills=2, seed=2, reloads=True)
    assert report.events > 500
    assert len(report.killed.alerts) > 10
