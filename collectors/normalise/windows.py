"""Windows events to ECS names, by the same list that the pipeline of the shipped rules uses."""

import ipaddress
from collections.abc import Iterable, Mapping

from collectors.normalise.field import nest
from collectors.normalise.windows_logsource import categories_of, service_of
from collectors.normalise.windows_record import read_record
from impetus.domain.entity import IDENTIFYING
from impetus.domain.errors import ImpetusError
from impetus.domain.event import CYBER, Json
from impetus.domain.instant import parse_instant
from rules.windows import PREFIX, windows_fields

_FIELDS = windows_fields()
HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "IMPHASH": "Imphash"}
"""Name in ``Hashes`` → name of the field."""
NOBODY = ("-", "")
"""Values that identify nobody."""


def normalise(record: Mapping[str, Json]) -> Iterable[dict[str, Json]]:
    """The event of one Windows record. Raises ``source.record`` where it is none or has no time."""
    windows = read_record(record)
    fields = windows.fields
    service = service_of(str(fields.get("Channel") or "unknown"))
    categories = categories_of(service, str(fields["EventID"]), str(fields.get("EventType", "")))
    action = categories[0].removesuffix("_event") if categories else f"{service}-{fields['EventID']}"
    yield nest(
        {
            "@timestamp": _first_time(windows.times),
            "event.action": action.replace("_", "-"),
            "logsource.product": "windows",
            "logsource.service": service,
            "logsource.category": list(categories) if len(categories) > 1 else next(iter(categories), None),
            "city.domain": CYBER,
            **_mapped(fields),
        }
    )


def _mapped(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Every field under its ECS name; two of one name are a list, as each may be what a rule means."""
    found: dict[str, Json] = {}
    for name, value in {**_hashes(fields.get("Hashes")), **fields}.items():
        if value is None:
            continue
        path = _FIELDS.get(name, PREFIX + name)
        if not _fits(path, value):
            path = PREFIX + name
        elif path == "event.code":
            value = str(value)  # noqa: PLW2901 - ECS has it as text
        if path not in found or found[path] == value:
            found[path] = value
        else:
            known = found[path]
            found[path] = [*(known if isinstance(known, list) else [known]), value]
    return found


def _fits(path: str, value: Json) -> bool:
    """Whether a value names something where it identifies: ``-`` and ``LOCAL`` are nobody's address or account."""
    if path.endswith(".ip"):
        try:
            return bool(ipaddress.ip_address(str(value)))
        except ValueError:
            return False
    return path not in IDENTIFYING or value not in NOBODY


def _hashes(text: Json) -> dict[str, Json]:
    """``MD5=…,SHA256=…`` as single fields."""
    if not isinstance(text, str):
        return {}
    pairs = (part.partition("=") for part in text[:1024].split(","))
    return {HASHES[name.strip().upper()]: value for name, _, value in pairs if name.strip().upper() in HASHES}


def _first_time(times: list[str]) -> str:
    for time in times:
        try:
            parse_instant(time)
        except (ValueError, OverflowError):
            continue
        return time
    raise ImpetusError("source.record", "not a Windows event: it has no time")
