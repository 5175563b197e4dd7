"""Events that already are in the form of ``docs/events.md``: looked at, completed where something is missing."""

from collections.abc import Iterable, Mapping

from collectors.normalise.finish import check_bounds, check_name, check_time
from impetus.domain.event import Json


def normalise(record: Mapping[str, Json]) -> Iterable[dict[str, Json]]:
    """The record as it is."""
    yield dict(record)


def is_complete(record: Mapping[str, Json], line: bytes) -> bool:
    """Whether a line has all that ``finish`` would add, nested, so that its bytes can pass unchanged.

    False decides nothing: the long way then completes or refuses it. Raises ``ImpetusError`` ``event.malformed`` on
    a complete line with values that the long way would refuse.
    """
    stamp, event = record.get("@timestamp"), record.get("event")
    if stamp is None or not isinstance(event, dict):
        return False
    created, name, provider = event.get("created"), event.get("id"), event.get("provider")
    if created is None or provider is None or not isinstance(name, str):
        return False
    check_time("@timestamp", stamp)
    if created != stamp:
        check_time("event.created", created)
    check_name("event.id", name)
    check_name("event.provider", provider)
    check_bounds(line)
    return True
