"""Times that people give on the command line."""

from typing import overload

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import parse_instant, parse_span


@overload
def asked_instant(option: str, stamp: str) -> int: ...
@overload
def asked_instant(option: str, stamp: str | None) -> int | None: ...
def asked_instant(option: str, stamp: str | None) -> int | None:
    """µs since the epoch of the time that an option was given; None without one. Raises ``ImpetusError``."""
    try:
        return parse_instant(stamp) if stamp is not None else None
    except ValueError as error:
        hint = "Such as 2027-05-17T10:45:10+02:00"
        raise ImpetusError("query.invalid", str(error), Where(key=option), hint) from None


def asked_moment(option: str, stamp: str | None, now: int) -> int | None:
    """The same of a time that may also be said as how long ago it is: ``2h``."""
    try:
        return now - parse_span(stamp) if stamp is not None else None
    except ValueError:
        return asked_instant(option, stamp)
