"""Killed at any instant, the file holds the state of some whole number of commits."""

from pathlib import Path

from kills import survive_kills


def test_a_killed_writer_leaves_a_whole_number_of_commits(tmp_path: Path) -> None:
    assert survive_kills(tmp_path / "impetus.db", kills=15, every=5, seed=1) > 15
