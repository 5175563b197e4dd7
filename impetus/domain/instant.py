"""Instants and durations: microseconds since the Unix epoch, and how people and records write them."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
"""One second, in the unit of every instant and duration: µs."""

_UNITS = {
    "us": 1,
    "ms": 1_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
    "d": 86_400 * SECOND,
    "w": 7 * 86_400 * SECOND,
    "M": 30 * 86_400 * SECOND,
    "y": 365 * 86_400 * SECOND,
}
_SPAN = re.compile(r"([0-9]{1,12})(us|ms|s|m|h|d|w|M|y)")
_MAX_STAMP = 64
_PLAIN = len("2025-12-11T06:17:19.636000Z")
_DAY = 86_400
_EARLIEST = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
_LATEST = (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC) - EPOCH) // MICROSECOND


def parse_instant(text: str) -> int:
    """µs since the epoch of an RFC 3339 time with offset, in the years 1 to 9999 of UTC; else raises ``ValueError``.

    Other forms of ISO 8601 that leave no doubt are read too (an offset ``+0200``). A leap second is the one after it.
    """
    if len(text) > _MAX_STAMP:
        raise ValueError("a time of over 64 characters")
    if not text.isprintable():
        raise ValueError(f"{text!r} has characters that no time has")
    if len(text.removesuffix("+00:00")) <= _PLAIN and text.endswith(("Z", "+00:00")):
        try:
            return _instant(datetime.fromisoformat(text))
        except ValueError:
            pass  # an unusual time, or none
    moment, leap = _read(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    instant = _instant(moment)
    if leap and instant // SECOND % _DAY != _DAY - 1:
        raise ValueError(f"{text!r} has a leap second that is not at the end of a day in UTC")
    instant += leap
    if not _EARLIEST <= instant <= _LATEST:
        raise ValueError(f"{text!r} is outside the years 1 to 9999 in UTC")
    return instant


def _instant(moment: datetime) -> int:
    since = moment - EPOCH
    return (since.days * _DAY + since.seconds) * SECOND + since.microseconds


def read_instant(text: str | None) -> int | None:
    """µs since the epoch of a time in an event; None where there is none, or one that cannot be read."""
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None


def _read(text: str) -> tuple[datetime, int]:
    stamp = _trim_fraction(text)
    try:
        return datetime.fromisoformat(stamp), 0
    except ValueError:
        pass
    try:
        return _unusual(stamp)
    except ValueError as error:
        why = "" if "isoformat" in str(error) else f": {error}"
        raise ValueError(f"{text!r} is no time of RFC 3339{why}") from None


def _unusual(stamp: str) -> tuple[datetime, int]:
    """What RFC 3339 allows and Python's datetime does not: small letters, and the 61st second of a minute."""
    upper = stamp.upper()
    if upper[16:19] != ":60":
        return datetime.fromisoformat(upper), 0
    return datetime.fromisoformat(f"{upper[:17]}59{upper[19:]}"), SECOND


def _trim_fraction(text: str) -> str:
    """Cut a fraction of a second to the six digits that Python's datetime holds."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[: min(digits, 6)]}{tail[digits:]}"


def format_instant(instant: int) -> str:
    """RFC 3339 in UTC, with the fraction only where there is one."""
    text = (EPOCH + timedelta(microseconds=instant)).isoformat()
    return text.replace("+00:00", "Z")


def parse_span(text: str) -> int:
    """µs of a duration written as Sigma writes it (``5m``, ``1h``, also ``1500ms``). Raises ``ValueError``."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration: a whole number and one of {', '.join(_UNITS)}")
    return int(found[1]) * _UNITS[found[2]]
