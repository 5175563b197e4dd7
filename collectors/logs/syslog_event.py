"""From a syslog message to events: logins where OpenSSH tells of one, else the line as a log source of Linux."""

from collections.abc import Iterator

from collectors.logs.message import Message
from collectors.logs.sshd import read_login
from collectors.normalise.field import nest
from impetus.domain.event import CYBER, Json
from impetus.domain.instant import format_instant

SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug")
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", *(f"local{number}" for number in range(8)),
)  # fmt: skip


def events_of(message: Message, sender: str, now: int) -> Iterator[dict[str, Json]]:
    """The events of a message from ``sender`` (address) that came ``now`` (µs): logins, or the line as it is."""
    said = {
        "@timestamp": format_instant(now if message.time is None else message.time),
        "message": message.text,
        "city.domain": CYBER,
        "host.name": message.host or sender,
        "process.name": message.process.rpartition("/")[2] if message.process else None,
        "process.pid": int(message.pid) if message.pid and message.pid.isdecimal() else None,
        "log.source.address": sender,
        **_syslog_fields(message),
    }
    plain = True
    for login in read_login(message.process, message.text):
        plain = False
        yield nest({**said, **login})
    if plain:
        yield nest({**said, "event.action": "log", **_logsource(message)})


def _logsource(message: Message) -> dict[str, Json]:
    facility = FACILITIES[message.facility]
    services = [
        "syslog",
        *(["auth"] if facility.startswith("auth") else []),
        *([message.process] if message.process else []),
    ]
    return {"logsource.product": "linux", "logsource.service": list(dict.fromkeys(services))}


def _syslog_fields(message: Message) -> dict[str, Json]:
    data: Json = {name: dict(values) for name, values in message.data.items()} if message.data else None
    return {
        "log.level": SEVERITIES[message.severity],
        "log.syslog.priority": message.priority,
        "log.syslog.facility.code": message.facility,
        "log.syslog.facility.name": FACILITIES[message.facility],
        "log.syslog.severity.code": message.severity,
        "log.syslog.severity.name": SEVERITIES[message.severity],
        "log.syslog.version": message.version,
        "log.syslog.msgid": message.id,
        "log.syslog.structured_data": data,
    }
