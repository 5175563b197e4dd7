"""Killed anywhere between journal and index: every event is in the index once, and the journal says which."""

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from indexed import open_indexed

from impetus.domain.ports import EventQuery
from integrations.opensearch.cluster import OpenSearchCluster

KILLS = 3
CHILD = Path(__file__).with_name("indexing_child.py")
ROOT = Path(__file__).resolve().parents[3]


def test_killed_while_it_indexes_no_event_is_lost_or_doubled(opensearch_url: str, tmp_path: Path) -> None:
    random_, path = random.Random(3), tmp_path / "impetus.db"
    for _ in range(KILLS):
        run_and_kill(path, opensearch_url, random_.randrange(3, 12), random_.uniform(0, 0.1))
    store = open_indexed(OpenSearchCluster, path, opensearch_url)
    found = [event.id for event in store.events(EventQuery(limit=100_000))]
    assert sorted(found) == sorted(f"e{id}" for id in range(store.journal.counts()["events"]))
    assert found
    store.close()


def run_and_kill(path: Path, url: str, commits: int, after: float) -> None:
    """Let the child make so many commits, and kill it so many seconds later."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen([sys.executable, str(CHILD), str(path), url], stdout=subprocess.PIPE, env=environment)
    assert child.stdout is not None
    for _ in range(commits):
        assert child.stdout.readline()
    timer = threading.Timer(after, child.kill)
    timer.start()
    child.communicate()
    timer.join()
