"""Why a rule fired or did not: for an event, or at a time."""

from correlator.why import single, windows
from correlator.why.answer import Answer
from correlator.why.clause import Conceal
from correlator.why.question import Question
from correlator.why.record import Record
from correlator.why.wording import clock, limit
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.rule import Rule


def ask_event(record: Record, rule: Rule, id: str, conceal: Conceal, most: int | None = None) -> Answer:
    """Why a rule fired on an event or did not; of a correlation the windows that have it as their newest.

    ``most`` of what nearly belonged is named. Raises ``ImpetusError`` where there is no such event.
    """
    met = record.event(id)
    if met is None:
        raise ImpetusError("event.unknown", "there is no event with this id", Where(key=id))
    question = Question(record, rule, f"at the event {id}", conceal, most)
    if rule.correlation:
        return windows.of_event(question, met)
    answer = single.about_event(record, question.form, rule, met, conceal)
    return question.answer(answer.outcome, fired=single.fired(record, rule, met), events=[answer])


def ask_time(record: Record, rule: Rule, at: int, conceal: Conceal, most: int | None = None) -> Answer:
    """The same for a time (µs): the events around it, or the last window of a correlation that ends there or before."""
    question = Question(record, rule, f"at {clock(at)}", conceal, most)
    if rule.correlation:
        return windows.at_time(question, at)
    total, answers = single.nearest(record, question.form, rule, at, conceal)
    held = sum(answer.held for answer in answers)
    around = f"within {limit(single.AROUND)} of that time"
    if held:
        outcome = f"it held on {held} of {total} events {around}"
    elif answers:
        outcome = f"it did not hold: {len(answers)} of {total} events {around} are of its log source, the nearest below"
    else:
        outcome = f"it did not hold: none of the {total} events {around} is of its log source"
    raised = rule.alerts and any(answer.held and answer.event not in record.explained for answer in answers)
    return question.answer(outcome, fired=raised, events=answers[:most])
