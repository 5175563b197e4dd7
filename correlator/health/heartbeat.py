"""Heartbeats: which devices of the model fell silent and returned, concluded as event time passes."""

import heapq
from collections.abc import Iterator

import msgspec

from correlator.city import CityModel
from correlator.health.beat import Beat
from correlator.health.record import RETURNED, SILENT, health_line
from correlator.memory import Kept
from impetus.domain.batch import Key
from impetus.domain.city import Device
from impetus.domain.event import Fields, Json, text
from impetus.domain.instant import parse_span
from impetus.domain.ports import Store

SIGNS = ("device.id", "source.ip")
"""Fields that name who speaks. That others speak to an address is no sign of its life."""


class Watched(msgspec.Struct, frozen=True):
    """A device with a heartbeat, and after how long without a sign of life it counts as silent (µs)."""

    device: Device
    span: int


class Heartbeats:
    """The devices of a city model that have a heartbeat. The rest of the city costs a look-up for each event."""

    def __init__(self, city: CityModel) -> None:
        self._city = city
        self._watched: dict[str, Watched] = {}
        """By id and by address."""
        for device in city.devices.values():
            if device.heartbeat is not None:
                watched = Watched(device, parse_span(device.heartbeat.silent_after))
                self._watched |= dict.fromkeys((device.id, *device.addresses), watched)
        self._beats: Kept[Beat] = Kept("health", Beat)
        self._turns: list[tuple[int, str]] = []
        self._queued: dict[str, int] = {}
        """Device → its one entry of ``_turns`` that counts: not later than its next turn."""
        self.members: dict[str, dict[str, None]] = {}
        """Source → devices that have spoken under it."""
        self.changed: set[str] = set()
        """Devices of which something changed that outages depend on; for who reads them to clear."""

    @property
    def signs(self) -> tuple[str, ...]:
        """The fields that are signs of life of some device."""
        return SIGNS if self._watched else ()

    def signs_of(self, event: Fields) -> dict[str, Json]:
        """The fields of an event that are signs of life; empty if it is no sign of any device."""
        if not self._watched:
            return {}
        signs = {field: event[field] for field in SIGNS if field in event}
        named = (text(value) for field in signs for value in event.scalars(field))
        return signs if any(name in self._watched for name in named) else {}

    def observe(self, event: Fields, source: str, time: int, late: bool) -> None:
        """Take an event of a source in, as a sign of life of whom it names."""
        if not self._watched:
            return
        for field in SIGNS:
            value = event.get(field)
            if value is None:
                continue
            for name in (value,) if type(value) is str else map(text, event.scalars(field)):
                watched = self._watched.get(name)
                if watched is not None:
                    # An address is seen by others; only what a source says of a device makes it one of its own.
                    self._sign(watched, source if field == "device.id" else None, time, late)

    def report(self, event: Fields, awaited: str, time: int) -> None:
        """Note that the device of an event has sent one of a log source that some rule awaits."""
        for value in event.scalars("device.id"):
            watched = self._watched.get(text(value))
            beat = self._beats.get(watched.device.id) if watched is not None else None
            if beat is not None and watched is not None and time < beat.reports.get(awaited, time + 1):
                beat.reports[awaited] = time
                self._keep(watched.device.id, beat)

    def conclude(self, limit: int) -> Iterator[bytes]:
        """The events of devices that fell silent or returned before an event time (µs), in order of their times."""
        while self._turns and self._turns[0][0] < limit:
            moment, id = heapq.heappop(self._turns)
            if self._queued.get(id) != moment:
                continue
            del self._queued[id]
            beat, watched = self._beats[id], self._watched[id]
            if beat.turn(watched.span) == moment:
                begun = beat.take_turn(watched.span)
                self._keep(id, beat)
                place = self._city.place_of(watched.device)
                yield health_line(watched.device, place, SILENT if beat.silent else RETURNED, moment, begun)
            self._queue(id, beat, watched.span)

    def beat(self, device: str) -> Beat | None:
        """What is known of a device."""
        return self._beats.get(device)

    def names(self, device: str) -> tuple[str, ...]:
        """By what events name a device: its id and its addresses."""
        return (device, *self._city.devices[device].addresses)

    def forget(self, before: int) -> None:
        """Forget silences that were over before an event time (µs)."""
        for id, beat in self._beats.items():
            if beat.forget(before):
                self._keep(id, beat)

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        return self._beats.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds; devices that the model no longer watches are forgotten."""
        self._beats.restore(store)
        known = {watched.device.id: watched for watched in self._watched.values()}
        for id, beat in self._beats.items():
            if id not in known:
                self._beats.drop(id)
                continue
            for source in beat.sources:
                self.members.setdefault(source, {})[id] = None
            self._queue(id, beat, known[id].span)
            self.changed.add(id)

    def _sign(self, watched: Watched, source: str | None, time: int, late: bool) -> None:
        id = watched.device.id
        beat = self._beats.get(id)
        if beat is None:
            if late:
                return
            beat = Beat()
        sooner = beat.sign(time, watched.span, late)
        self._beats[id] = beat
        if source is not None and not late and time < beat.sources.get(source, time + 1):
            beat.sources[source] = time
            self.members.setdefault(source, {})[id] = None
            self.changed.add(id)
        if sooner:
            self._queue(id, beat, watched.span)

    def _keep(self, id: str, beat: Beat) -> None:
        self._beats[id] = beat
        self.changed.add(id)

    def _queue(self, id: str, beat: Beat, span: int) -> None:
        turn = beat.turn(span)
        if turn is not None and turn < self._queued.get(id, turn + 1):
            self._queued[id] = turn
            heapq.heappush(self._turns, (turn, id))
