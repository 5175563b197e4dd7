"""What OpenSSH's server says of logins."""

import ipaddress
import re
from collections.abc import Iterator

from impetus.domain.event import Json

MAX_REPEATS = 100
"""A line that says how often it was repeated counts so often at most."""

# Greedy up to the last " from": a user name may hold one, and must not forge the address.
_PEER = r"(?P<user>.{0,256}) from (?P<ip>[0-9A-Fa-f:.]{2,45})(?:%\w+)?(?: port (?P<port>\d{1,5}))?(?: ssh2?)?(?:: .*)?"
_RESULT = re.compile(rf"(?P<result>Accepted|Failed) (?P<method>[\w/-]{{1,64}}) for (?P<invalid>invalid user )?{_PEER}")
_INVALID = re.compile(rf"(?P<result>Invalid) user {_PEER}")
_REPEATED = re.compile(r"message repeated (\d{1,6}) times: \[ ?(.*)\]")


def read_login(process: str | None, text: str) -> Iterator[dict[str, Json]]:
    """The fields of each login that a line tells of; none for any other line."""
    if process not in {"sshd", "sshd-session", "sshd-auth"}:
        return
    repeated = _REPEATED.fullmatch(text)
    times, text = (int(repeated[1]), repeated[2]) if repeated else (1, text)
    found = _RESULT.fullmatch(text) or _INVALID.fullmatch(text)
    if found and _is_address(found["ip"]):
        for _ in range(min(times, MAX_REPEATS)):
            yield _login(found)


def _login(found: re.Match[str]) -> dict[str, Json]:
    known = found.groupdict()
    return {
        "logsource.product": "city",
        "logsource.category": "authentication",
        "logsource.service": "sshd",
        "event.action": "login",
        "event.category": "authentication",
        "event.outcome": "success" if known["result"] == "Accepted" else "failure",
        "user.name": known["user"] or None,
        "user.known": False if known["result"] == "Invalid" or known.get("invalid") else None,
        "source.ip": known["ip"],
        "source.port": int(known["port"]) if known["port"] else None,
        "auth.method": known.get("method"),
    }


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False
