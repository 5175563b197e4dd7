"""What every collector can do with a recording: keep its own times, or set it to another time."""

import msgspec

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import parse_instant


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that every collector has."""

    recorded: bool = False
    """The source replays a recording: a record arrived when it happened, unless it says otherwise; not now."""
    starts_at: str | None = None
    """RFC 3339 with offset: move the recording in time, so that its first event happens then."""


def parse_start(source: Source) -> int | None:
    """``starts_at`` in µs. Raises ``settings.invalid``."""
    if source.starts_at is None:
        return None
    try:
        return parse_instant(source.starts_at)
    except (ValueError, OverflowError) as error:
        raise ImpetusError(
            "settings.invalid", str(error), Where(key="starts_at"), "Write it as 2027-05-17T10:30:00+02:00."
        ) from error
