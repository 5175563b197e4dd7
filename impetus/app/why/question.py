"""From arguments to an answer."""

import argparse
from collections.abc import Iterator

import msgspec

from correlator.why.answer import Answer
from correlator.why.ask import ask_event, ask_time
from correlator.why.naming import find_rule
from correlator.why.record import Record
from impetus.app.moments import asked_instant
from impetus.app.why import figure, source, text
from impetus.app.why.veil import Veil
from impetus.domain.errors import ImpetusError


def why(arguments: argparse.Namespace, most: int | None) -> Answer:
    """Why a rule fired or did not; ``most`` of what nearly belonged. Raises ``ImpetusError``."""
    with source.opened(arguments) as (record, veil):
        return ask(arguments, record, veil, most)


def ask(arguments: argparse.Namespace, record: Record, veil: Veil, most: int | None) -> Answer:
    """The same of a recording that is open."""
    rule = find_rule(record.setup.rules, arguments.rule)
    if arguments.event is not None:
        return ask_event(record, rule, arguments.event, veil, most)
    return ask_time(record, rule, asked_instant("--at", str(arguments.at)), veil, most)


def explain(arguments: argparse.Namespace, as_json: bool) -> Iterator[str]:
    """An alert, or the window of a rule for an event or a time, as a map with its legend. Raises ``ImpetusError``."""
    with source.opened(arguments) as (record, veil):
        drawn = _figure(arguments, record, veil)
        if isinstance(drawn, Answer):
            yield from [encoded(drawn)] if as_json else text.lines(drawn, every=False)
        else:
            yield from [figure.as_json(drawn)] if as_json else figure.lines(drawn, record)


def _figure(arguments: argparse.Namespace, record: Record, veil: Veil) -> figure.Figure | Answer:
    """What is drawn; the answer in words where there is no window to draw."""
    if arguments.event is None and arguments.at is None:
        alert = figure.find(record, arguments.subject)
        if alert is None:
            hint = "Name an alert by its id, or a rule with --event or --at"
            raise ImpetusError("query.invalid", f"there is no alert {arguments.subject!r}", hint=hint)
        return figure.of_alert(record, alert)
    arguments.rule = arguments.subject
    answer = ask(arguments, record, veil, figure.NEAREST)
    return figure.of_answer(record, answer) or answer


def encoded(answer: Answer) -> str:
    """An answer as one JSON object."""
    return msgspec.json.encode(answer).decode()
