"""The node itself killed and away for a while, while events are committed: all of them are in the index once."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from indexed import open_indexed

from deploy.devstack.failure import MissingError
from deploy.devstack.stack import Stack
from impetus.domain.batch import Commit, Head
from impetus.domain.ports import EventQuery
from integrations.opensearch.cluster import OpenSearchCluster

pytestmark = pytest.mark.soak
AWAY = float(os.environ.get("OUTAGE_SECONDS", "300"))
SIZE = 50
PACE = 0.1


def test_a_killed_node_costs_no_event(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", bound=True)
    try:
        address = stack.start("opensearch")["opensearch"]
    except MissingError as error:
        pytest.skip(str(error))
    store = open_indexed(OpenSearchCluster, tmp_path / "impetus.db", address)
    count = keep_committing(store.commit, 0, 3.0)
    os.kill(stack.process("opensearch").pid, signal.SIGKILL)
    count = keep_committing(store.commit, count, AWAY)
    assert store.problem
    assert stack.start("opensearch")["opensearch"] == address
    count = keep_committing(store.commit, count, 3.0)
    assert store.settle(300)
    found = sorted(int(event.id) for event in store.events(EventQuery(limit=10 * count)))
    assert found == list(range(count))
    store.close()
    stack.stop(grace=5)


def keep_committing(commit: Callable[[Commit], int], first: int, seconds: float) -> int:
    """Commit blocks for some seconds; gives the number of the next event."""
    end, number = time.monotonic() + seconds, first
    while time.monotonic() < end:
        ids = range(number, number + SIZE)
        lines = tuple(b'{"event":{"id":"%d"}}' % id for id in ids)
        commit(Commit(lines=lines, heads=tuple(Head(str(id), id, ()) for id in ids)))
        number += SIZE
        time.sleep(PACE)
    return number
