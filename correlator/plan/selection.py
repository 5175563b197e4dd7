"""The selections of a plan's entries, compiled as Sigma detections: one rule of the form per entry, in their order."""

from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetections

from correlator.plan.day import DayPlan
from impetus.domain.errors import ImpetusError, Where
from rules import form
from rules.expression import RefusedError, compile_detection


def compile_selections(plan: DayPlan | None) -> bytes:
    """The intermediate form of the entries' selections. Raises ``ImpetusError`` ``plan.invalid``."""
    entries = plan.plan.expected if plan is not None else ()
    return form.encode([_rule(entry.id, entry.event) for entry in entries], ())


def _rule(id: str, selection: dict[str, object]) -> form.Rule:
    try:
        detections = SigmaDetections.from_dict({"selection": selection, "condition": "selection"})
        condition = compile_detection(detections)
    except (SigmaError, RefusedError, TypeError) as error:
        raise ImpetusError(
            "plan.invalid", str(error), Where(key=f"expected {id}: event"), "A Sigma selection"
        ) from None
    return form.Rule(id=id, logsource=form.LogSource(None, None, None), condition=condition)
