"""Correlation documents become correlations of the intermediate form.

pySigma checks the document and maps its fields; conditions and ``place`` are read from the document itself, because
pySigma allows one operator only, cuts fractions off, and does not know ``place``.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from impetus.domain.errors import nearest
from rules import form
from rules.expression import MAX_CONDITION, MAX_PARENTHESES, RefusedError, UnsupportedError, nesting

OPERATORS = ("lt", "lte", "gt", "gte", "eq", "neq")
KEYS = frozenset({"type", "rules", "generate", "group-by", "timespan", "aliases", "condition", "place", "window"})
PLACE_KEYS = frozenset({"distance", "zone", "speed", "certain"})
ONE_FIELD = frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})
"""Types that measure the numbers of one field; ``value_count`` counts the values of several together."""

_WORD = re.compile(r"[^\s()]+")
MAX_TIMESPAN = 10 * 366 * 86_400
"""Longest timespan in seconds, ten years: windows keep their members that long."""


@dataclass(frozen=True)
class Reading:
    """What the engine's form leaves out of a correlation, and pySigma's view of it."""

    rule: SigmaCorrelationRule
    condition: tuple[form.Comparison, ...]
    percentile: int | float | None
    place: form.Place | None
    generate: bool
    written: Mapping[str, str]
    """References as pySigma was given them, and as they are written, where that is not the same."""

    @property
    def references(self) -> list[str]:
        """Ids and names of the rules that it refers to, each once, in order."""
        if self.rule.rules is not None:
            named = [str(reference.reference) for reference in self.rule.rules]
        else:
            named = cast(SigmaExtendedCorrelationCondition, self.rule.condition).get_referenced_rules()
        return list(dict.fromkeys(self.written.get(name, name) for name in named))

    @property
    def aliased(self) -> set[str]:
        """Ids and names of the rules that its aliases name."""
        return {str(reference.reference) for alias in self.rule.aliases for reference in alias.mapping}


def read(data: dict[str, Any]) -> Reading:
    """Check a correlation document. Raises ``RefusedError``, or ``SigmaError`` where pySigma finds it wrong."""
    section = data.get("correlation")
    if not isinstance(section, dict):
        raise RefusedError("'correlation' is not a mapping", ("correlation",))
    _refuse_unknown(section, KEYS, ("correlation",))
    if section.get("window", "sliding") != "sliding":
        raise UnsupportedError(
            f"windows slide, and {section['window']!r} ones are not known", ("correlation", "window")
        )
    condition, comparisons, percentile = _condition(section.get("condition"))
    place, generate = _place(section), _generate(data, section)
    plain, written = _plain_names(section)
    trimmed = {key: value for key, value in section.items() if key != "place"} | condition | plain
    rule = SigmaCorrelationRule.from_dict({**data, "correlation": trimmed})
    if rule.timespan.seconds > MAX_TIMESPAN:
        raise UnsupportedError("the timespan is longer than ten years", ("correlation", "timespan"))
    return Reading(rule, comparisons, percentile, place, generate, written)


def compile_correlation(reading: Reading, id: str, indices: Mapping[str, int]) -> form.Correlation:
    """The form of a correlation whose references are resolved (``indices`` by reference). Raises ``RefusedError``."""
    rule = reading.rule
    named = reading.references
    if not named:
        raise RefusedError("the correlation refers to no rule", ("correlation", "rules"))
    return form.Correlation(
        id=id,
        type=rule.type.name.lower(),
        rules=tuple(dict.fromkeys(indices[reference] for reference in named)),
        group_by=tuple(rule.group_by or ()),
        aliases=_aliases(rule, indices),
        timespan=rule.timespan.seconds * 1_000_000,
        condition=_compiled_condition(reading, indices),
        place=reading.place,
    )


def only_negated(condition: form.Condition, index: int) -> bool:
    """Whether an extended condition awaits the absence of a rule, and its presence nowhere."""
    if isinstance(condition.expr, msgspec.UnsetType):
        return False
    return index not in _positive(condition.expr, positive=True)


def _plain_names(section: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Rules and extended condition with plain names for ids, in which pySigma allows no hyphen."""
    condition, rules = section.get("condition"), section.get("rules")
    if not isinstance(condition, str):
        return {}, {}
    if len(condition) > MAX_CONDITION or nesting(condition) > MAX_PARENTHESES:
        raise UnsupportedError("the condition is too long or too deep", ("correlation", "condition"))
    names = [word for word in _WORD.findall(condition) if word not in {"and", "or", "not"}]
    if all(name.isidentifier() for name in names):
        return {}, {}
    plain = {name: f"rule_{i}" for i, name in enumerate(dict.fromkeys(names))}
    substituted: dict[str, Any] = {"condition": _WORD.sub(lambda word: plain.get(word[0], word[0]), condition)}
    if isinstance(rules, list):
        substituted["rules"] = [plain.get(str(rule), rule) for rule in rules]
    return substituted, {given: name for name, given in plain.items()}


def _aliases(rule: SigmaCorrelationRule, indices: Mapping[str, int]) -> dict[str, dict[str, str]]:
    aliases: dict[str, dict[str, str]] = {}
    for alias in rule.aliases:
        fields = aliases[alias.alias] = {}
        for reference, field in alias.mapping.items():
            if reference.reference not in indices:
                hint = nearest(str(reference.reference), indices)
                path = ("correlation", "aliases", alias.alias)
                raise RefusedError(f"the alias names {reference.reference!r}, which is not among its rules", path, hint)
            fields[str(indices[reference.reference])] = str(field)
    return aliases


def _compiled_condition(reading: Reading, indices: Mapping[str, int]) -> form.Condition:
    condition = reading.rule.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        given = {given: indices[written] for given, written in reading.written.items() if written in indices}
        expression = _expression(condition.parsed, {**indices, **given})
        if form.holds_when(expression, lambda _: False):
            what = "the condition holds when nothing at all has happened"
            raise RefusedError(what, ("correlation", "condition"), "Join every 'not' to a rule that matches with 'and'")
        return form.Condition(expr=expression)
    comparisons = reading.condition or (("gte", len(set(indices.values()))),)
    compiled = form.Condition(comparisons, _fields(condition), reading.percentile)
    _refuse_unmeasured(reading.rule.type.name.lower(), compiled)
    return compiled


def _refuse_unmeasured(kind: str, condition: form.Condition) -> None:
    path = ("correlation", "condition")
    if kind in ONE_FIELD and len(condition.fields) != 1:
        raise RefusedError(f"{kind} measures one field, and {len(condition.fields)} are given", (*path, "field"))
    if kind == "value_percentile" and condition.percentile is None:
        raise RefusedError(
            "value_percentile does not say which percentile", path, "Add 'percentile: 95' beside 'field'"
        )
    if not kind.startswith("value_") and condition.fields:
        raise RefusedError(f"{kind} measures no field, and one is given", (*path, "field"), "value_count counts values")


def _fields(condition: SigmaCorrelationCondition) -> tuple[str, ...]:
    reference = condition.fieldref
    if reference is None:
        return ()
    return (reference,) if isinstance(reference, str) else tuple(str(field) for field in reference)


def _expression(node: CorrelationConditionItem | SigmaRuleReference, indices: Mapping[str, int]) -> form.RuleExpression:
    if isinstance(node, SigmaRuleReference):
        return form.RuleLeaf(indices[node.reference])
    parts = tuple(_expression(part, indices) for part in node.args)
    if isinstance(node, CorrelationConditionNOT):
        return form.NoRule(parts[0])
    return form.AllRules(parts) if isinstance(node, CorrelationConditionAND) else form.AnyRule(parts)


def _positive(expression: form.RuleExpression, positive: bool) -> set[int]:
    match expression:
        case form.RuleLeaf(index):
            return {index} if positive else set()
        case form.NoRule(inner):
            return _positive(inner, not positive)
        case form.AllRules(of) | form.AnyRule(of):
            return {index for part in of for index in _positive(part, positive)}


def _condition(value: Any) -> tuple[dict[str, Any], tuple[form.Comparison, ...], int | float | None]:
    """What pySigma is given for a condition, and what it says in full: comparisons and percentile."""
    if not isinstance(value, dict):
        return {}, (), None
    path = ("correlation", "condition")
    _refuse_unknown(value, {*OPERATORS, "field", "percentile"}, path)
    comparisons = _comparisons({key: value[key] for key in value if key in OPERATORS}, path)
    percentile = None
    if "percentile" in value:
        percentile = _number(value["percentile"], (*path, "percentile"))
        if not 0 <= percentile <= 100:
            raise RefusedError("a percentile lies between 0 and 100", (*path, "percentile"))
    given = {"field": value["field"]} if "field" in value else {}
    return {"condition": {"gte": 1, **given}}, comparisons, percentile


def _comparisons(value: Any, path: tuple[str, ...]) -> tuple[form.Comparison, ...]:
    if not isinstance(value, dict) or not value:
        raise RefusedError("no operator is given", path, f"One or more of {', '.join(OPERATORS)}, as in 'gte: 10'")
    _refuse_unknown(value, OPERATORS, path)
    return tuple((operator, _number(number, (*path, operator))) for operator, number in value.items())


def _number(value: Any, path: tuple[str, ...]) -> int | float:
    number: int | float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str):
        number = _parsed(int, value) if _parsed(int, value) is not None else _parsed(float, value)
    if number is None or not math.isfinite(number) or abs(number) >= 1 << 63:
        raise RefusedError(f"{value!r} is not a number", path)
    return number


def _parsed(kind: Callable[[str], int | float], text: str) -> int | float | None:
    try:
        return kind(text)
    except ValueError:
        return None


def _place(section: Mapping[str, Any]) -> form.Place | None:
    if "place" not in section:
        return None
    place, path = section["place"], ("correlation", "place")
    if not isinstance(place, dict) or not place.keys() & {"distance", "zone", "speed"}:
        raise RefusedError("'place' states no relation", path, "Give it distance, zone or speed")
    _refuse_unknown(place, PLACE_KEYS, path)
    certain = place.get("certain", False)
    if not isinstance(certain, bool):
        raise RefusedError("'certain' is true or false", (*path, "certain"))
    return form.Place(
        distance=_relation(place, "distance"), zone=_zone(place), speed=_relation(place, "speed"), certain=certain
    )


def _relation(place: Mapping[str, Any], key: str) -> tuple[form.Comparison, ...]:
    return _comparisons(place[key], ("correlation", "place", key)) if key in place else ()


def _zone(place: Mapping[str, Any]) -> form.Zone | None:
    match place.get("zone", ...):
        case builtin if builtin is ...:
            return None
        case "same" | "adjacent" as kind:
            return form.Zone(kind)
        case {"within": str(name), **rest} if name and not rest:
            return form.Zone("within", name)
        case _:
            hint = "'same', 'adjacent', or 'within: NAME' below it"
            raise RefusedError("'zone' is no relation of zones", ("correlation", "place", "zone"), hint)


def _generate(data: Mapping[str, Any], section: Mapping[str, Any]) -> bool:
    for holder, path in ((section, ("correlation", "generate")), (data, ("generate",))):
        value = holder.get("generate")
        if value is not None:
            if not isinstance(value, bool):
                raise RefusedError("'generate' is true or false", path)
            return value
    return False


def _refuse_unknown(given: Mapping[Any, Any], known: Any, path: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            raise UnsupportedError(f"nothing reads the key {key!r}", (*path, str(key)), nearest(str(key), known))
