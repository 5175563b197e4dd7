"""An arrival: one line of the log, read as far as the correlator needs it, or the reason why it cannot be."""

from collections.abc import Iterable, Sequence
from functools import cache

import msgspec

from correlator._engine import Arrivals
from correlator.intelligence import LOOKUPS
from impetus.domain.batch import Reject
from impetus.domain.entity import IDENTIFYING, WEAK
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import MAX_BYTES, MAX_DEPTH, MAX_VALUES, Fields, first_text
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


class Arrival(msgspec.Struct):
    """An event on its way: its line, the fields that are asked for, its id, source, event time and arrival (µs)."""

    line: bytes
    event: Fields
    id: str
    source: str
    time: int
    created: int


class ArrivalReader:
    """Reads events as far as the correlator asks every one, whole batches in one native call."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        fields = dict.fromkeys((*FIELDS, *LOOKUPS, *IDENTIFYING, *WEAK, *more))
        self._native = Arrivals(list(fields), (MAX_BYTES, MAX_DEPTH, MAX_VALUES), Fields, Arrival)

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
