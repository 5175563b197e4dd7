"""Joining a cluster: who comes first founds it, with all that the store of one box holds; who comes later follows."""

import os
from collections.abc import Callable, Iterator, Sequence

import structlog

from correlator.cluster.rounds import Codec, MatchedRound
from correlator.recent import REMEMBERED
from correlator.watermark import EventClock
from impetus.app.cluster.place import SOURCE, Place, read_place
from impetus.domain.batch import Commit, Control
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.ports import Portable, Store
from integrations.kafka.access import Access
from integrations.kafka.founding import Charter, found, read_founding

_BYTES = 16


def join(
    access: Access, store: Store, controls: Sequence[Control], entropy: Callable[[int], bytes] = os.urandom
) -> Place:
    """Where the store goes on in the cluster, which is founded if need be; killed at any point, it can be done again.

    Raises ``ImpetusError`` ``cluster.other-past`` where the store does not belong to the cluster.
    """
    place, founding = read_place(store), read_founding(access)
    if founding is None:
        if place is None or place.offset >= 0:
            place = Place(entropy(_BYTES).hex())
            # Before the cluster has it: killed behind that, the store is known as the one that founded the cluster.
            store.commit(Commit(positions=(place.position(),)))
        founding = found(access, _charter(place.cluster, store, controls))
        structlog.get_logger("cluster").info("cluster.founded", inherited=founding.inherited)
    if place is not None and place.cluster == founding.cluster:
        return place
    if store.newest():
        hint = "Begin with a copy of a store that follows it, or with none; under another name it takes this one along"
        raise _refusal(f"the store has another past than the cluster {access.name!r}", hint)
    if founding.inherited:
        hint = "Begin with a copy of the one that it took along, or of one that follows it: impetus backup"
        raise _refusal(f"the cluster {access.name!r} has a past that is not in this store, which is empty", hint)
    return Place(founding.cluster)


def _charter(cluster: str, store: Store, controls: Sequence[Control]) -> Charter:
    codec = Codec()
    setup, parts = codec.encode(tuple(controls)), map(codec.encode, _parts(store))
    return Charter(cluster, setup, parts, [pair for pair in store.positions().items() if pair[0] != SOURCE])


def _parts(store: Store) -> Iterator[MatchedRound]:
    """What the lane goes on with, if the store has any of it."""
    if not store.newest():
        return
    if not isinstance(store, Portable):
        raise ImpetusError("settings.invalid", "no cluster can take over from such a store", Where(key="store.kind"))
    clock = EventClock()
    clock.load(store.state("clock"))
    for part in store.holdings(REMEMBERED, clock.now):
        yield MatchedRound(0, -1, 0, 0, inherited=part)


def _refusal(what: str, hint: str) -> ImpetusError:
    return ImpetusError("cluster.other-past", what, Where(key="store.path"), hint)
