"""The search of events: a query over the blocks of a store that may hold what it asks for."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from correlator.city import CityModel
from correlator.city.zones import ancestors
from correlator.search.evaluation import Setting, part_of
from correlator.search.sieve import sieve_of
from impetus.domain.place import Location
from impetus.domain.ports import Clock, Question, Shown, Sifted, Store, StoredEvent


class Searcher:
    """The port ``Search`` over any store, with the city model in force and a clock for ``since:2h``."""

    def __init__(self, store: Store, city: Callable[[], CityModel], clock: Clock) -> None:
        self._store, self._city, self._clock = store, city, clock

    def newest(self, question: Question, limit: int) -> Iterator[Sequence[StoredEvent]]:
        """The newest events that are asked for, newest first, in portions as they are found; some are empty.

        At most ``limit`` events wait until it is sure that nothing newer comes: what does, takes their place.
        """
        waiting: list[tuple[int, int, StoredEvent]] = []
        order = count()
        for sifted, places in self._portions(question):
            for place in sorted(places):
                entry = (sifted.times[place], next(order), sifted.event(place))
                (heapq.heappush if len(waiting) < limit else heapq.heappushpop)(waiting, entry)
            sure = [entry for entry in waiting if sifted.rest is None or entry[0] > sifted.rest]
            yield [event for _, _, event in sorted(sure, reverse=True)]
            if sure:
                limit -= len(sure)
                waiting = [entry for entry in waiting if sifted.rest is not None and entry[0] <= sifted.rest]
                heapq.heapify(waiting)
            if limit <= 0:
                return
        if waiting:
            yield [event for _, _, event in sorted(waiting, reverse=True)]

    def every(self, question: Question) -> Iterator[Sequence[StoredEvent]]:
        """All events that are asked for, in portions, about newest first."""
        for sifted, places in self._portions(question):
            yield [sifted.event(place) for place in sorted(places)]

    def _portions(self, question: Question) -> Iterator[tuple[Sifted, set[int]]]:
        setting = setting_of(self._city(), self._clock(), question.shown)
        part = part_of(question.query, setting)
        for sifted in self._store.sift(sieve_of(question.query, question.span, setting.zones, setting.now)):
            yield sifted, part.holds(sifted, set(range(len(sifted.ids))))


def setting_of(city: CityModel, now: int, shown: Shown | None = None) -> Setting:
    """What a query means with a city model, at a moment."""
    within: dict[str, set[str]] = {id: {id} for id in city.zones}
    for id in city.zones:
        for parent in ancestors(city.zones, id):
            within.setdefault(parent, {parent}).add(id)
    places = ((device.id, city.place_of(device).location) for device in city.devices.values())
    locations: dict[str, Location] = {id: at for id, at in places if at is not None}
    return Setting({id: frozenset(ids) for id, ids in within.items()}, city.devices, locations, now, shown)
