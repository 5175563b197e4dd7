"""The selections of a plan's entries, compiled as Sigma detections: one rule of the form per entry, in their order."""

from collections.abc import Iterator

from correlator.document import Lines
from correlator.finding import Finding
from correlator.plan.day import DayPlan
from impetus.domain.errors import ImpetusError
from impetus.domain.plan import Expectation
from rules import form


def compile_selections(plan: DayPlan | None) -> bytes:
    """The intermediate form of the entries' selections. Raises ``ImpetusError`` ``plan.invalid``."""
    entries = plan.plan.expected if plan is not None else ()
    lines = plan.lines if plan is not None else Lines()
    return form.encode([_rule(entry, lines, number) for number, entry in enumerate(entries)], ())


def selection_errors(plan: DayPlan) -> Iterator[Finding]:
    """What is wrong with each selection that cannot be compiled."""
    for number, entry in enumerate(plan.plan.expected):
        try:
            _rule(entry, plan.lines, number)
        except ImpetusError as error:
            yield Finding("error", error)


def _rule(entry: Expectation, lines: Lines, number: int) -> form.Rule:
    # A parser of rules takes long to import, and many have no plan.
    from sigma.exceptions import SigmaError  # noqa: PLC0415
    from sigma.rule import SigmaDetections  # noqa: PLC0415

    from rules.expression import RefusedError, compile_detection  # noqa: PLC0415

    try:
        detections = SigmaDetections.from_dict({"selection": entry.event, "condition": "selection"})
        condition = compile_detection(detections)
    except (SigmaError, RefusedError, TypeError) as error:
        where = lines.where("expected", number, "event")
        raise ImpetusError("plan.invalid", f"{entry.id}: {error}", where, "A Sigma selection") from None
    return form.Rule(id=entry.id, logsource=form.LogSource(None, None, None), condition=condition)
