"""The filter of the queue: ``is:open zone:Z4 sev:high camera``."""

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from impetus.domain.errors import ImpetusError, Where, nearest
from impetus.domain.incident import Incident
from impetus.domain.rule import LEVELS, rank

DEFAULT = "is:open"
MAX_LENGTH = 500

T = TypeVar("T")
Test = Callable[[Incident], bool]

_STATES: dict[str, Test] = {
    "open": lambda incident: incident.status != "closed",
    "new": lambda incident: incident.status == "open",
    "taken": lambda incident: incident.status == "taken",
    "escalated": lambda incident: incident.status == "escalated",
    "closed": lambda incident: incident.status == "closed",
    "watch": lambda incident: incident.kind == "watch",
    "incident": lambda incident: incident.kind == "incident",
    "exercise": lambda incident: incident.exercise,
    "any": lambda _: True,
}


@dataclass(frozen=True)
class Filter:
    """A filter as typed, and the tests that an incident has to pass, all of them."""

    text: str = ""
    tests: tuple[Test, ...] = field(default=(), compare=False)

    def admits(self, incident: Incident) -> bool:
        """Whether an incident is to be shown; one that another took the place of never is."""
        return incident.superseded_by is None and all(test(incident) for test in self.tests)


def parse(text: str, actor: str) -> Filter:
    """The filter that ``text`` says; ``owner:me`` is ``actor``. Raises ``ImpetusError`` with code ``query.invalid``."""
    if len(text) > MAX_LENGTH:
        raise ImpetusError("query.invalid", f"a filter has at most {MAX_LENGTH} characters")
    return Filter(text.strip(), tuple(_test(word, actor) for word in text.split()))


def _test(word: str, actor: str) -> Test:
    key, colon, value = word.partition(":")
    if not colon:
        return _text_test(word)
    make = _KEYS.get(key)
    if make is None:
        raise ImpetusError("query.invalid", f"unknown filter {key!r}", Where(key=word), nearest(key, _KEYS))
    return make(value, actor)


def _state_test(value: str, _actor: str) -> Test:
    return _choice(value, _STATES)


def _severity_test(value: str, _actor: str) -> Test:
    names = {level: index for index, level in enumerate(LEVELS)} | {"crit": 4, "med": 2, "info": 0}
    least = value.endswith("+")
    wanted = _choice(value.removesuffix("+"), names)
    if least:
        return lambda incident: rank(incident.severity) >= wanted
    return lambda incident: rank(incident.severity) == wanted


def _zone_test(value: str, _actor: str) -> Test:
    wanted = value.casefold()
    return lambda incident: any(fnmatch.fnmatchcase(zone.casefold(), wanted) for zone in incident.zones)


def _owner_test(value: str, actor: str) -> Test:
    if value == "none":
        return lambda incident: not incident.owner
    wanted = actor if value == "me" else value
    return lambda incident: incident.owner == wanted


def _domain_test(value: str, _actor: str) -> Test:
    return lambda incident: value in incident.domains


def _text_test(word: str) -> Test:
    wanted = word.casefold()
    return lambda incident: any(wanted in text.casefold() for text in _texts(incident))


def _texts(incident: Incident) -> list[str]:
    return [incident.id, incident.title, *incident.zones, *(entity.value for entity in incident.entities)]


def _choice(value: str, known: dict[str, T]) -> T:
    if value not in known:
        raise ImpetusError("query.invalid", f"unknown value {value!r}", hint=nearest(value, known))
    return known[value]


_KEYS: dict[str, Callable[[str, str], Test]] = {
    "is": _state_test,
    "sev": _severity_test,
    "zone": _zone_test,
    "owner": _owner_test,
    "domain": _domain_test,
}
