"""Why a single-event rule fired on an event or did not, and which events around a time come nearest."""

from collections.abc import Iterator

import msgspec

from correlator._engine import alert_id
from correlator.why.answer import EventAnswer
from correlator.why.clause import Conceal, cost, explain, source_parts
from correlator.why.planned import planned
from correlator.why.record import Met, Record
from correlator.why.wording import clock
from impetus.domain.event import first_text
from impetus.domain.instant import SECOND
from impetus.domain.rule import Rule
from rules.form import Form

AROUND = 900 * SECOND
"""Events so far before and after a time (µs) are looked at."""
MAX_EXPLAINED = 5_000
"""So many events around a time are explained clause by clause."""


def about_event(record: Record, form: Form, rule: Rule, met: Met, conceal: Conceal) -> EventAnswer:
    """Whether the rule held on the event, every clause, and what kept an alert from coming."""
    parts = source_parts(form.rules[rule.index].logsource, met.event)
    matched = any(index == rule.index for _, index in record.matcher.match([met.line]))
    condition = explain(record, rule.index, met, conceal)
    answer = EventAnswer(
        event=met.id,
        at=clock(met.time),
        held=matched,
        source_fits=matched or all(part.fits for part in parts),
        outcome="",
        device=first_text(met.event, "device.id"),
        source=parts,
        condition=condition,
        misses=cost(condition) + sum(not part.fits for part in parts),
        plan=planned(record, met) if matched else (),
        notes=tuple(_notes(record, rule, met)) if matched else (),
    )
    return msgspec.structs.replace(answer, outcome=_outcome(record, rule, answer))


def fired(record: Record, rule: Rule, met: Met) -> bool:
    """Whether the rule matched the event and raised an alert of its own."""
    matched = any(index == rule.index for _, index in record.matcher.match([met.line]))
    return matched and rule.alerts and met.id not in record.explained


def nearest(record: Record, form: Form, rule: Rule, at: int, conceal: Conceal) -> tuple[int, list[EventAnswer]]:
    """How many events lie around a time, and answers for those of the rule's log source, the nearest misses first."""
    events = record.events(at - AROUND, at + AROUND + 1)
    source = form.rules[rule.index].logsource
    fitting = [met for met in events if all(part.fits for part in source_parts(source, met.event))]
    fitting.sort(key=lambda met: (abs(met.time - at), met.id))
    answers = [about_event(record, form, rule, met, conceal) for met in fitting[:MAX_EXPLAINED]]
    return len(events), sorted(answers, key=lambda answer: answer.misses)


def _outcome(record: Record, rule: Rule, answer: EventAnswer) -> str:
    if not answer.source_fits:
        return "it did not fire: the log source is another"
    if not answer.held:
        return f"it did not fire: {answer.misses} clause{'s do' if answer.misses > 1 else ' does'} not hold"
    if answer.event in record.explained:
        entry = next((one.entry for one in answer.plan if one.explained), "an entry")
        return f"it held, and the plan explains it ({entry}): no alert, one line in the ledger"
    if not rule.alerts:
        return "it held, and raises no alert of its own: it only counts in correlations"
    return f"it fired: alert {alert_id(rule.id, [], answer.event)}"


def _notes(record: Record, rule: Rule, met: Met) -> Iterator[str]:
    referring = [one for one in record.setup.rules.rules if rule.index in one.refers]
    if referring and not rule.alerts:
        titles = ", ".join(repr(one.title) for one in referring)
        yield f"silenced by the correlations that refer to it and do not all say 'generate: true': {titles}"
    if referring and record.late(met):
        since = record.late_since(met)
        when = f" (event time was {clock(since)})" if since is not None else ""
        yield f"it came too late for windows{when}: correlations do not see it"
    if record.copies.get(met.id, 1) > 1:
        yield f"it was delivered {record.copies[met.id]} times: the first counts, the others are left out as duplicates"
