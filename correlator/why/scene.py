"""The evaluator over a recording: the matches that a correlation can have seen around a time."""

from collections.abc import Mapping
from dataclasses import dataclass

from correlator.why.clause import Conceal
from correlator.why.evaluator import Evaluator
from correlator.why.record import Met, Record
from correlator.why.sighting import field_of
from correlator.why.window import Terms
from impetus.domain.event import Json
from rules import form

BACK = 4
"""Events are looked at from so many timespans before a window, so that what just missed it is seen."""


@dataclass(frozen=True)
class Reach:
    """The stretch of event time (µs) that has to be looked at for the windows of a correlation."""

    before: int
    after: int

    @classmethod
    def of(cls, decoded: form.Form, index: int) -> "Reach":
        """Of a correlation: its own timespan and those of what it refers to; an absence looks ahead."""
        at = index - len(decoded.rules)
        if at < 0:
            return cls(0, 0)
        correlation = decoded.correlations[at]
        inner = [cls.of(decoded, rule) for rule in correlation.rules]
        before = max(one.before for one in inner) + BACK * correlation.timespan
        return cls(before, max(one.after for one in inner) + correlation.timespan)


class Scene:
    """The events around a time, and what a correlation makes of them."""

    def __init__(self, record: Record, decoded: form.Form, index: int, at: int, conceal: Conceal) -> None:
        self.record, self.index, self.conceal = record, index, conceal
        reach = Reach.of(decoded, index)
        self.events = {met.id: met for met in record.events(at - reach.before, at + reach.after + 1)}
        singles = _singles(decoded, index)
        sightings = record.sightings(singles, list(self.events.values()))
        encoded, city = record.setup.rules.form, record.setup.city.geometry()
        self.evaluator = Evaluator(encoded, city, sightings, record.now)

    @property
    def terms(self) -> Terms:
        """The correlation that is asked about."""
        return self.evaluator.terms(self.index)

    def met(self, event: str) -> Met | None:
        """An event of the scene."""
        return self.events.get(event)

    def conceal_group(self, name: str, value: str, event: str) -> str:
        """A value of a group, masked as the field behind the name is."""
        met = self.events.get(event)
        known: Mapping[str, Json] = met.event if met is not None else {}
        return self.conceal(known, origin(self.evaluator.form, self.index, name), value)


def origin(decoded: form.Form, index: int, name: str) -> str:
    """The field of events behind a name of a group, through aliases and correlations."""
    at = index - len(decoded.rules)
    if at < 0:
        return name
    correlation = decoded.correlations[at]
    behind = [origin(decoded, rule, field_of(correlation, name, rule)) for rule in correlation.rules]
    return next((field for field in behind if field != name), name)


def _singles(decoded: form.Form, index: int) -> set[int]:
    """The single-event rules that a correlation refers to, directly or not."""
    at = index - len(decoded.rules)
    if at < 0:
        return {index}
    return {single for rule in decoded.correlations[at].rules for single in _singles(decoded, rule)}
