"""Two workers over a broker of their own: 60 of them and 5 times the broker killed in mid-load, beside one box."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

from cluster_kills import survive
from clustered import City

from deploy.devstack.failure import MissingError
from deploy.devstack.stack import Stack


@pytest.mark.soak
async def test_60_workers_and_5_brokers_killed_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", bound=True)
    try:
        address = stack.start("kafka")["kafka"]
    except MissingError as error:
        pytest.skip(str(error))
    try:
        report = await survive(City(tmp_path / "city", address, "kills"), stack, seed=60, kills=60, broker_kills=5)
    finally:
        stack.stop(grace=1)
    assert sum(report.kills.values()) == 60
    assert report.events > 50_000
    assert len(report.found.incidents) > 500
    report.hold()
