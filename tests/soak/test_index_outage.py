"""The node itself killed and away for a while, while steps are committed: each event is in the index once, and each
incident in its newest revision."""

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
from impetus.domain.incident import Incident
from impetus.domain.ports import EventQuery, IncidentQuery, Span
from integrations.opensearch.cluster import OpenSearchCluster

pytestmark = pytest.mark.soak
AWAY = float(os.environ.get("OUTAGE_SECONDS", "300"))
SIZE = 50
PACE = 0.1
READ = 10_000
"""Events that are read at once."""


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
    behind, begun = store.behind, time.monotonic()
    assert store.settle(300)
    drained = time.monotonic() - begun
    for start in range(0, count, READ):
        found = store.events(EventQuery(span=Span(start, start + READ), limit=2 * READ))
        assert sorted(int(event.id) for event in found) == list(range(start, min(start + READ, count)))
    (incident,) = store.incidents(IncidentQuery())
    assert incident.revision == count // SIZE
    print(f"{count} events once each; {behind} blocks behind were indexed in {drained:.0f} s")  # noqa: T201
    store.close()
    stack.stop(grace=5)


def keep_committing(commit: Callable[[Commit], int], first: int, seconds: float) -> int:
    """Commit blocks for some seconds; gives the number of the next event."""
    end, number = time.monotonic() + seconds, first
    while time.monotonic() < end:
        ids = range(number, number + SIZE)
        lines = tuple(b'{"event":{"id":"%d"}}' % id for id in ids)
        one = Incident("i1", "Doors", "incident", "high", "open", 0, number, number // SIZE + 1, (), ())
        commit(Commit(lines=lines, heads=tuple(Head(str(id), id, ()) for id in ids), incidents=(one,)))
        number += SIZE
        time.sleep(PACE)
    return number
