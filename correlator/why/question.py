"""A question: which rule of which recording, and how much of what nearly belonged is to be said."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from correlator.why.answer import About, Answer, EventAnswer, WindowAnswer
from correlator.why.clause import Conceal
from correlator.why.record import Record
from correlator.why.scene import Scene
from impetus.domain.rule import Rule
from rules import form


@dataclass(frozen=True)
class Question:
    """What is asked of a recording."""

    record: Record
    rule: Rule
    moment: str
    """What it is asked for, said: an event, or a time."""
    conceal: Conceal
    most: int | None = None
    """So many of the nearest are named; None: all."""

    @cached_property
    def form(self) -> form.Form:
        """The compiled rules."""
        return form.decode(self.record.setup.rules.form)

    def scene(self, at: int) -> Scene:
        """The events around a time (µs), for the correlation that is asked about."""
        return Scene(self.record, self.form, self.rule.index, at, self.conceal)

    def answer(
        self,
        outcome: str,
        *,
        fired: bool = False,
        events: Iterable[EventAnswer] = (),
        windows: Iterable[WindowAnswer] = (),
        notes: Iterable[str] = (),
    ) -> Answer:
        """The answer, with what is to be borne in mind of the whole recording."""
        rule = About(self.rule.id, self.rule.title, self.rule.level, self.rule.correlation, self.rule.alerts)
        said = tuple(dict.fromkeys((*self.record.notes, *notes)))
        return Answer(rule, self.moment, fired, outcome, tuple(events), tuple(windows), said)
