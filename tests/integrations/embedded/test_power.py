"""A loss of power leaves every acknowledged commit, and none half."""

from pathlib import Path

import pytest
from power import record, recover
from recording import Recorder

from impetus.domain.errors import ImpetusError

pytestmark = pytest.mark.skipif(Recorder.make() is None, reason="Python's SQLite is no shared library")


def test_what_was_acknowledged_survives_a_loss_of_power(tmp_path: Path) -> None:
    operations = record(tmp_path, operations=600)
    met = recover(operations, every=9, seed=1, scratch=tmp_path)
    assert met["losses"] > 150
    # Losses within the folding in of the write-ahead log, and after the store was closed, are among them.
    assert met["truncate"] > 0
    assert met["delete"] > 0


def test_commits_that_are_not_synced_do_not_survive(tmp_path: Path) -> None:
    """The test would see it: a store that syncs nothing loses what it acknowledged."""
    operations = record(tmp_path, operations=200, durable=False)
    with pytest.raises((AssertionError, ImpetusError)):
        recover(operations, every=9, seed=1, scratch=tmp_path)
