"""Events in ECS, made of the corpus by the product's own normaliser: as the correlator gets them, and narrow ones."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from benchmarks.corpus import read_events
from collectors.normalise.finish import finish
from collectors.normalise.windows import normalise
from impetus.domain.errors import ImpetusError
from impetus.domain.event import Json

KEPT = {"@timestamp", "event.id", "logsource.product", "logsource.service", "logsource.category"}
"""Fields that every narrow event keeps."""

RENDERED = "winlog.event_data.Message"
"""The text that Windows makes of an event's fields."""

LONGEST = 200
"""Longest value, in characters, that a narrow event keeps."""

DROPPED = (
    f"dropped are `event.original`, `{RENDERED}`, values of more than {LONGEST} characters, and every field that no"
    " rule names, but time, id and log source"
)


def events(count: int) -> Iterator[dict[str, Json]]:
    """The first Windows events of the corpus as the collector hands them on, with ``event.original``."""
    for line in read_events(count):
        record = msgspec.json.decode(line)
        if record.get("product") != "windows":
            continue
        try:
            (event,) = normalise(record)
            yield msgspec.json.decode(finish(event, provider="windows", original=line, now=0, identity=b""))
        except ImpetusError:
            continue  # nine of 20,000 have no time, and the collector refuses them too


def write_wide(path: Path, found: Iterable[Mapping[str, Json]]) -> Path:
    """Events as they are."""
    with path.open("wb") as file:
        file.writelines(msgspec.json.encode(event) + b"\n" for event in found)
    return path


def write_narrow(path: Path, found: Iterable[Mapping[str, Json]], form: bytes, times: int) -> Path:
    """Events of only what rules can ask about (see ``DROPPED``), the whole repeated so many times."""
    named = set(re.findall(r'"field":"([^"]*)"', form.decode())) | KEPT
    lines = b"".join(msgspec.json.encode(_narrow(event, named, "")) + b"\n" for event in found)
    with path.open("wb") as file:
        for _ in range(times):
            file.write(lines)
    return path


def _narrow(event: Mapping[str, Json], named: Collection[str], above: str) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in event.items():
        path = above + name
        if isinstance(value, dict):
            if inner := _narrow(value, named, f"{path}."):
                kept[name] = inner
        elif path in named and path != RENDERED and len(str(value)) <= LONGEST:
            kept[name] = value
    return kept
