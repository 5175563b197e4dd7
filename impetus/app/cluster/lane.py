"""A lane worker: a process that holds the lane, or stands by for it."""

import warnings
from collections.abc import Iterator
from functools import partial

from correlator.cluster.lane import Lane
from correlator.cluster.rounds import Codec
from impetus.app.cluster.access import make_access, make_layout
from impetus.app.cluster.beside import Beside
from impetus.app.cluster.setups import Setups
from impetus.app.reloading import collect
from impetus.app.settings import Settings
from integrations.kafka.access import Access
from integrations.kafka.rows import Rows
from integrations.kafka.store import LaneStore
from integrations.kafka.topics import make_topics

with warnings.catch_warnings(record=True):
    # What Quix Streams imports for registries of schemas, which are not used here, warns of its own future.
    from integrations.kafka.lane import LaneLoop, Take


def run(settings: Settings, name: str) -> None:
    """Hold the lane, or stand by for it, until a signal."""
    access = make_access(settings)
    partitions = make_topics(access, make_layout(settings))
    collect()
    LaneLoop(
        access, name, settings.path(settings.cluster.state), partial(make_lane, access, partitions, Beside(access))
    ).run()


def make_lane(access: Access, partitions: int, beside: Beside, rows: Rows) -> Take:
    """What takes matched rounds in, over what the lane has left."""
    store, codec = LaneStore(rows, beside.fetch), Codec()
    lane = Lane(store, Setups(access).find, partitions, beside.fetch)

    def take(value: bytes) -> Iterator[bytes]:
        for outcome in lane.take(value):
            yield codec.encode(outcome)

    return take
