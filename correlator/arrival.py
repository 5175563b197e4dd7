"""An arrival: one line of the log, read as far as the correlator needs it, or the reason why it cannot be."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TypeAlias

import msgspec

from correlator._engine import Arrivals
from correlator.intelligence import LOOKUPS
from impetus.domain.batch import Reject
from impetus.domain.entity import IDENTIFYING, WEAK
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import MAX_BYTES, MAX_DEPTH, MAX_VALUES, Fields, Json, Scalar, first_text
from impetus.domain.instant import parse_instant

MAX_RECORD = 4096
"""So much of a rejected record is kept (bytes)."""
MAX_ID = 512
"""A longer id is refused (characters)."""
FIELDS = (
    "@timestamp",
    "event.id",
    "event.created",
    "event.provider",
    "logsource.product",
    "logsource.category",
    "logsource.service",
    "device.id",
    "place.zone",
    "place.location.lat",
    "place.location.lon",
    "place.radius",
    "city.domain",
    "post.target.time",
    "exercise",
    "badge.id",
    "vehicle",
    "vehicle.kind",
    "vehicle.type",
    "vehicle.plate",
    "vehicle.speed",
    "threat.enrichments.indicator.name",
    "threat.indicator.type",
    "threat.indicator.name",
    "threat.indicator.valid_until",
    "threat.indicator.id",
    "threat.indicator.modified_at",
    "threat.indicator.revoked",
)
"""What is read of every event, besides what identifies and what is looked up."""


SAID = ("logsource.product", "logsource.category", "logsource.service")
"""The fields by which an event says what it is."""
LATER = ("city.domain", "exercise", "post.target.time")
"""What is read of an event only once a rule has matched."""
LOOKED_AT = ("device.id", "badge.id")
"""Fields that give keys, and more: who has one is looked at."""

Said: TypeAlias = tuple[bool | int | float | str | tuple[Scalar, ...] | None, ...]
"""What an event says it is: of each field of ``SAID`` the value, or several."""
Brief: TypeAlias = tuple[Said, tuple[str, ...]]
"""Of a common event: what it says it is, and the keys that it is found by, each once.

It has no place, device, vehicle, badge or indicator, and no field that the plan limits.
"""
FindKeys: TypeAlias = Callable[[str, str], tuple[str, ...]]
"""Gives the keys by which an event is found that has a value in a field."""


class Arrival(msgspec.Struct):
    """An event on its way: its line, the fields that are asked for, its id, source, event time and arrival (µs).

    Of a common event the fields are told in brief, and read only when somebody asks for them.
    """

    line: bytes
    told: Fields | Brief
    id: str
    source: str
    time: int
    created: int

    @property
    def event(self) -> Fields:
        """The fields that are asked for; of a common event those that are asked of every one."""
        if type(self.told) is not Fields:
            self.told = _default_reader().fields(self.line)
        return self.told

    @property
    def brief(self) -> Brief | None:
        """The event in brief, if it is told so."""
        told = self.told
        return told if type(told) is tuple else None

    @property
    def said(self) -> Said:
        """What it says it is."""
        brief = self.brief
        if brief is not None:
            return brief[0]
        return tuple(map(_said, map(self.event.get, SAID)))

    @property
    def is_indicator(self) -> bool:
        """Whether its first category is that of the versions of indicators."""
        brief = self.brief
        category = self.event.get("logsource.category") if brief is None else brief[0][1]
        first = category[0] if category and isinstance(category, list | tuple) else category
        return first == "indicator"


def _said(value: Json) -> bool | int | float | str | tuple[Scalar, ...] | None:
    """A value as it can be compared; what is no text or number says nothing."""
    if isinstance(value, list):
        return tuple(one for one in value if not isinstance(one, list | dict))
    return None if isinstance(value, dict) else value


class ArrivalReader:
    """Reads events as far as the correlator asks every one, whole batches in one native call."""

    def __init__(
        self, more: Iterable[str] = (), looked_at: Iterable[str] = (), find_keys: FindKeys | None = None
    ) -> None:
        """``more`` are further fields to read. With ``find_keys`` common events are told in brief; ``looked_at`` are
        further fields that no common event has.
        """
        fields = dict.fromkeys((*FIELDS, *LOOKUPS, *IDENTIFYING, *WEAK, *more))
        keyed = {*LOOKUPS, *IDENTIFYING, *WEAK}.difference(LOOKED_AT, looked_at)
        brief = None if find_keys is None else (sorted(keyed), SAID, LATER, find_keys)
        bounds = (MAX_BYTES, MAX_DEPTH, MAX_VALUES)
        self._native: Arrivals[Fields, Arrival] = Arrivals(list(fields), bounds, Fields, Arrival, brief)

    def fields(self, line: bytes) -> Fields:
        """The fields of an event that was read before."""
        return self._native.fields(line)

    def read(self, lines: Sequence[bytes], source: str) -> list[Arrival | ImpetusError]:
        """Each line as an arrival, or why it is none. ``source`` names those that have no ``event.provider``."""
        return [
            found if type(found) is Arrival else _look_again(line, found, source)
            for line, found in zip(lines, self._native.read(lines, source), strict=True)
        ]


def read_arrival(line: bytes, source: str) -> Arrival:
    """Read one event. Raises ``ImpetusError``."""
    (arrival,) = _default_reader().read([line], source)
    if isinstance(arrival, ImpetusError):
        raise arrival
    return arrival


@cache
def _default_reader() -> ArrivalReader:
    return ArrivalReader()


def _look_again(line: bytes, found: Arrival | Fields | str, source: str) -> Arrival | ImpetusError:
    """The arrival of a line that is unusual, or why it is none."""
    try:
        return _arrival(line, found, source)
    except ValueError as error:
        return ImpetusError("event.malformed", str(error), Where(source))


def _arrival(line: bytes, event: Arrival | Fields | str, source: str) -> Arrival:
    """The arrival of a line; raises ``ValueError`` with what is wrong."""
    if not isinstance(event, Fields):
        raise ValueError(event)  # noqa: TRY004 - the text is what is wrong with the event
    if b"\n" in line or b"\r" in line:
        raise ValueError("an event is one line")
    stamp, id = first_text(event, "@timestamp"), first_text(event, "event.id")
    if stamp is None:
        raise ValueError("the event has no @timestamp")
    if not id or len(id) > MAX_ID:
        raise ValueError(f"the event.id is longer than {MAX_ID} characters" if id else "the event has no event.id")
    time, created = parse_instant(stamp), first_text(event, "event.created")
    arrived = time if not created or created == stamp else parse_instant(created)
    return Arrival(line, event, id, first_text(event, "event.provider") or source, time, arrived)


def rejected(line: bytes, source: str, error: ImpetusError) -> Reject:
    """A line that is no event, as it is kept and counted."""
    return Reject(source, error.code, error.what, str(error.where), line[:MAX_RECORD])
