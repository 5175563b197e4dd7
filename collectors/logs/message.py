"""A syslog message as RFC 5424 or RFC 3164 has it, or as senders that follow neither write it.

Whatever is not understood stays in the message: a line that some device sent is evidence, however it is written.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from impetus.domain.instant import EPOCH, MICROSECOND, parse_instant

DEFAULT_PRIORITY = 13
"""What RFC 3164 takes a message without one for: user, notice."""
AHEAD = timedelta(days=1)
"""A time without year is at most so far ahead of our clock."""
MONTHS = {name: number for number, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)}  # fmt: skip

_PRIORITY = re.compile(r"<(\d{1,3})>")
_5424 = re.compile(r"1 (\S{1,64}) (\S{1,255}) (\S{1,128}) (\S{1,128}) (\S{1,64}) ")
_ELEMENT = re.compile(r'\[([^ =\]"]{1,64})((?: [^ =\]"]{1,64}="(?:[^"\\\]]|\\.){0,8192}")*)\]')
_PARAMETER = re.compile(r' ([^ =\]"]{1,64})="((?:[^"\\\]]|\\.){0,8192})"')
_BSD_TIME = re.compile(
    r"\*?(?:(\d{4}) )?([A-Z][a-z]{2}) {1,2}(\d{1,2})(?: (\d{4}))? (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?:? "
)
_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)(Z|[+-]\d\d:?\d\d)? ")
_HOST = re.compile(r"([\w.:-]{1,255}) (?=\S)")
_TAG = re.compile(r"([\w./-]{1,128})(?:\([\w.-]{1,64}\))?(?:\[(\d{1,10})\]: ?|:(?: |$))")


class Message(msgspec.Struct):
    """The parts of a message; None where the sender left one out. ``time`` is in µs."""

    text: str
    priority: int = DEFAULT_PRIORITY
    time: int | None = None
    host: str | None = None
    process: str | None = None
    pid: str | None = None
    id: str | None = None
    version: str | None = None
    data: dict[str, dict[str, str]] | None = None

    @property
    def facility(self) -> int:
        """Code of the part of the system that spoke."""
        return self.priority >> 3

    @property
    def severity(self) -> int:
        """0 (emergency) to 7 (debug)."""
        return self.priority & 7


def parse_message(raw: bytes, now: int, zone: tzinfo) -> Message:
    """Read a message. ``now`` (µs) and ``zone`` complete a time that has neither year nor offset."""
    text = raw.decode("utf-8", "replace").strip("\r\n\0")
    message = Message(text)
    found = _PRIORITY.match(text)
    if found and int(found[1]) <= 191:
        message.priority = int(found[1])
        text = text[found.end() :]
        if header := _5424.match(text):
            return _read_5424(message, header, text[header.end() :])
    return _read_3164(message, text, now, zone)


def _read_5424(message: Message, header: re.Match[str], rest: str) -> Message:
    stamp, *names = (None if part == "-" else part for part in header.groups())
    message.version = "1"
    message.host, message.process, message.pid, message.id = names
    if stamp is not None:
        try:
            message.time = parse_instant(stamp)
        except (ValueError, OverflowError):
            message.time = None
    message.data, rest = _read_data(rest)
    message.text = rest.removeprefix(" ").removeprefix("\ufeff")
    return message


def _read_data(rest: str) -> tuple[dict[str, dict[str, str]] | None, str]:
    """Structured data, and what follows; what is no structured data is the message."""
    if rest.startswith("-"):
        return None, rest[1:]
    data: dict[str, dict[str, str]] = {}
    while found := _ELEMENT.match(rest):
        values = {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in _PARAMETER.findall(found[2])}
        data[found[1]] = values
        rest = rest[found.end() :]
    return data or None, rest


def _read_3164(message: Message, text: str, now: int, zone: tzinfo) -> Message:
    if found := _BSD_TIME.match(text):
        message.time = _bsd_time(found, now, zone)
    elif found := _ISO_TIME.match(text):
        message.time = _iso_time(found, zone)
    if found:
        text = text[found.end() :]
        if not _TAG.match(text) and (host := _HOST.match(text)):
            message.host, text = host[1], text[host.end() :]
    if tag := _TAG.match(text):
        message.process, message.pid, text = tag[1], tag[2], text[tag.end() :]
    message.text = text
    return message


def _bsd_time(found: re.Match[str], now: int, zone: tzinfo) -> int | None:
    """The time nearest to now that the text can mean, if it names no year."""
    before, month, day, behind, hour, minute, second, fraction = found.groups()
    moment = EPOCH + now * MICROSECOND
    year = before or behind
    years = [int(year)] if year else [moment.year - 1, moment.year, moment.year + 1]
    micros = int((fraction or "0").ljust(6, "0"))
    candidates = []
    for guess in years:
        try:
            at = datetime(guess, MONTHS[month], int(day), int(hour), int(minute), int(second), micros, zone)
            candidates.append((at - EPOCH) // MICROSECOND)
        except (ValueError, KeyError, OverflowError):
            continue
    limit = None if year else now + AHEAD // MICROSECOND
    return max((at for at in candidates if limit is None or at <= limit), default=None)


def _iso_time(found: re.Match[str], zone: tzinfo) -> int | None:
    try:
        if found[2]:
            return parse_instant((found[1] + found[2]).replace(",", "."))
        at = datetime.fromisoformat(found[1].replace(",", ".")[:26]).replace(tzinfo=zone)
        return (at.astimezone(UTC) - EPOCH) // MICROSECOND
    except (ValueError, OverflowError):
        return None
