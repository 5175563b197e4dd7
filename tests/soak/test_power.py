"""A loss of power after each of 2,000 operations on the disk."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integrations" / "embedded"))

from power import LOSSES, record, recover
from recording import Recorder


@pytest.mark.soak
@pytest.mark.skipif(Recorder.make() is None, reason="Python's SQLite is no shared library")
@pytest.mark.parametrize("seed", range(3))
def test_every_prefix_of_2000_operations_recovers(tmp_path: Path, seed: int) -> None:
    operations = record(tmp_path, operations=2_000)
    assert recover(operations, every=1, seed=seed, scratch=tmp_path)["losses"] == len(LOSSES) * len(operations)
