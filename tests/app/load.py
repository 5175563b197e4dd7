"""A load that follows from its seed: a city's records of which about one in thirty matters to ``load_rules.yml``.

Stories (guessed logins, a door opened and a camera masked, a door that no patrol looks at) last two minutes at most and
have entities of their own, so each becomes an incident of its own. Arrival is out of order by up to 100 s of event
time, less than the lateness allowed. Half of the records bring no ``event.id``.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

START = datetime(2027, 5, 17, 6, tzinfo=UTC)
STEP = 0.1
"""Seconds of event time from one line of the file to the next."""
DISORDER = 100.0
"""Seconds by which a record may come later than those after it."""
EVERY = 30
"""A story starts every so many records."""

Record = dict[str, Any]


def records(seed: int, source: str, pace: float) -> Iterator[bytes]:
    """The lines of a source, without end, in order of arrival; ``pace`` seconds of event time from one to the next."""
    random_ = random.Random(f"{seed} {source}")
    waiting: list[tuple[float, int, Record]] = []
    created, emitted = count(), count()
    for step in count():
        now = step * pace
        for at, record in _records(random_, source, step, now):
            delay = random_.uniform(0, DISORDER) if random_.random() < 0.1 else 0.0
            waiting.append((at + delay, next(created), _stamp(record, at, at + delay)))
        if step % 50 == 0:
            waiting.sort(key=lambda one: one[:2])
            ready = [one for one in waiting if one[0] <= now]
            del waiting[: len(ready)]
            for _, _, record in ready:
                yield _line(record, source, next(emitted), random_)


def _records(random_: random.Random, source: str, step: int, now: float) -> list[tuple[float, Record]]:
    noise: Record = {
        "logsource": {"product": "load", "category": random_.choice(("flow", "door", "login"))},
        "event": {"action": "seen", "outcome": "success"},
        "device": {"id": f"{source}-N{random_.randrange(500)}"},
        "text": f"{random_.getrandbits(256):x}",
    }
    if step % EVERY:
        return [(now, noise)]
    tell = random_.choice(STORIES[source])
    return [(now, noise), *((now + offset, record) for offset, record in tell(random_, f"{source}{step}"))]


def _forced(_random: random.Random, name: str) -> Iterator[tuple[float, Record]]:
    yield 0.0, _record("door", "forced", device={"id": f"F-{name}"})


def _guessed(random_: random.Random, name: str) -> Iterator[tuple[float, Record]]:
    for attempt in range(random_.randint(3, 9)):
        user = f"u{random_.randrange(6)}-{name}"
        record = _record("login", "login", "failure", user={"name": user}, source={"ip": _address(name)})
        yield attempt * random_.uniform(1, 12), record


def _masked(random_: random.Random, name: str) -> Iterator[tuple[float, Record]]:
    badge = {"id": f"B-{name}"}
    first, second = sorted((random_.uniform(0, 60), random_.uniform(0, 60)))
    actions = [("door", "opened"), ("camera", "masked")]
    if random_.random() < 0.3:
        actions.reverse()
    for at, (category, action) in zip((first, second), actions, strict=True):
        yield at, _record(category, action, badge=badge)


def _unwatched(_random: random.Random, name: str) -> Iterator[tuple[float, Record]]:
    yield 0.0, _record("door", "opened", device={"id": f"D-{name}"})


def _watched(random_: random.Random, name: str) -> Iterator[tuple[float, Record]]:
    device = {"id": f"D-{name}"}
    yield 0.0, _record("door", "opened", device=device)
    yield random_.uniform(1, 110), _record("patrol", "tagged", device=device)


def _record(category: str, action: str, outcome: str = "success", **fields: Record) -> Record:
    return {
        "logsource": {"product": "load", "category": category},
        "event": {"action": action, "outcome": outcome},
        **fields,
    }


STORIES = {"doors": (_forced, _guessed, _masked, _unwatched, _watched), "gates": (_forced,)}
"""Only the file tells what windows see: how far the two sources get apart depends on the machine, and a source that
falls behind is too late for windows."""


def _address(name: str) -> str:
    parts = [f"{random.Random(f'{part} {name}').getrandbits(16):x}" for part in range(4)]
    return f"2001:db8::{':'.join(parts)}"


def _stamp(record: Record, at: float, arrived: float) -> Record:
    event = {**record["event"], "created": _instant(arrived)}
    return {"@timestamp": _instant(at), **record, "event": event}


def _instant(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def _line(record: Record, source: str, number: int, random_: random.Random) -> bytes:
    event = {**record["event"], "sequence": number}
    if random_.random() < 0.5:
        event |= {"id": f"{source}-{number}", "provider": source}
    return json.dumps({**record, "event": event}, separators=(",", ":")).encode()
