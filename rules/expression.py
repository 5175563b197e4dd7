"""Detections and conditions of Sigma, as pySigma parses them, become expressions of the intermediate form."""

from collections.abc import Iterable, Iterator
from typing import Any

from sigma.conditions import ConditionAND, ConditionIdentifier, ConditionItem, ConditionNOT, ConditionSelector
from sigma.exceptions import SigmaError
from sigma.modifiers import SigmaCaseSensitiveModifier, modifier_mapping
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from rules import form

MAX_CONDITION = 10_000
"""Longest condition, in characters: parsing one takes more than linear time."""

MAX_PARENTHESES = 20
"""Deepest nesting of parentheses in a condition, for the same reason."""

_WILDCARDS: dict[SpecialChars, form.Part] = {
    SpecialChars.WILDCARD_MULTI: form.RUN,
    SpecialChars.WILDCARD_SINGLE: form.ONE,
}
_COMPARE: dict[CompareOperators, form.Compare] = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}


class RefusedError(ValueError):
    """Something in a rule is wrong; ``path`` leads to it within the rule."""

    code = "rule.invalid"

    def __init__(self, what: str, path: tuple[str, ...] = ("detection",), hint: str = "") -> None:
        super().__init__(what)
        self.path = path
        self.hint = hint


class UnsupportedError(RefusedError):
    """Something in a rule is Sigma, and has no place in the form."""

    code = "rule.unsupported"


def compile_detection(detections: SigmaDetections) -> form.Expression:
    """The whole detection of a rule; several conditions are alternatives. Raises ``RefusedError``."""
    try:
        conditions = [_parse(condition.condition, condition.parse) for condition in detections.parsed_condition]
        compiled = _join(form.Or, (_condition(tree, detections) for tree in conditions))
    except RecursionError as error:
        raise UnsupportedError("the detection nests too deep") from error
    if compiled is None:
        raise UnsupportedError("the pipelines leave nothing of the detection", hint="Look for what drops its fields")
    return compiled


def _parse(text: Any, parse: Any) -> ConditionItem:
    path = ("detection", "condition")
    if not isinstance(text, str):
        raise RefusedError("the condition is not text", path)
    if len(text) > MAX_CONDITION or nesting(text) > MAX_PARENTHESES:
        hint = f"At most {MAX_CONDITION} characters and {MAX_PARENTHESES} parentheses in each other"
        raise UnsupportedError("the condition is too long or too deep", path, hint)
    try:
        tree: ConditionItem = parse(postprocess=False)
    except SigmaError as error:
        raise RefusedError(f"the condition {text!r} cannot be read: {error}", path) from error
    return tree


def nesting(text: str) -> int:
    """How many parentheses stand in each other."""
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _condition(item: ConditionItem, detections: SigmaDetections) -> form.Expression | None:
    match item:
        case ConditionIdentifier():
            return _named(item.identifier, detections)
        case ConditionSelector():
            chosen = [found.identifier for found in item.resolve_referenced_detections(detections)]
            if not chosen:
                path = ("detection", "condition")
                raise RefusedError(f"{item.pattern!r} in the condition fits the name of no detection", path)
            join = form.And if item.cond_class is ConditionAND else form.Or
            return _join(join, (_named(name, detections) for name in chosen))
        case ConditionNOT():
            return _negate(_condition(_operand(item.args[0]), detections))
        case _:
            join = form.And if isinstance(item, ConditionAND) else form.Or
            return _join(join, (_condition(_operand(part), detections) for part in item.args))


def _operand(part: Any) -> ConditionItem:
    if not isinstance(part, ConditionItem):
        raise RefusedError("the condition cannot be read", ("detection", "condition"))
    return part


def _named(name: str, detections: SigmaDetections) -> form.Expression | None:
    detection = detections.detections.get(name)
    if detection is None:
        known = ", ".join(sorted(detections.detections))
        raise RefusedError(f"the condition names {name!r}", ("detection", "condition"), f"Detections here: {known}")
    try:
        return _detection(detection)
    except RefusedError as refused:
        raise type(refused)(str(refused), ("detection", name, *refused.path), refused.hint) from refused


def _detection(detection: SigmaDetection) -> form.Expression | None:
    join = form.And if detection.item_linking is ConditionAND else form.Or
    parts = (
        _detection(item) if isinstance(item, SigmaDetection) else _item(item) for item in detection.detection_items
    )
    return _join(join, parts)


def _item(item: SigmaDetectionItem) -> form.Expression | None:
    values: list[SigmaType] = item.value or [SigmaNull()]
    cased = SigmaCaseSensitiveModifier in item.modifiers
    join = form.And if item.value_linking is ConditionAND else form.Or
    try:
        if item.field is None:
            found = _join(join, (_keyword(value, cased) for value in values))
        else:
            found = _join(join, (_field(item.field, value, cased) for value in values))
    except RefusedError as refused:
        raise type(refused)(str(refused), _key(item), refused.hint) from refused
    return _negate(found) if item.negated else found


def _key(item: SigmaDetectionItem) -> tuple[str, ...]:
    """How the item's key is written in the rule, as far as modifiers tell."""
    names = {modifier: name for name, modifier in reversed(modifier_mapping.items())}
    return ("|".join([item.field or "", *(names[modifier] for modifier in item.modifiers if modifier in names)]),)


def _field(field: str, value: SigmaType, cased: bool) -> form.Expression:  # noqa: PLR0911 - one way out for each type
    match value:
        case SigmaExpansion():
            return _some(form.Or, (_field(field, each, cased) for each in value.values))
        case SigmaString():
            return form.Match(field, _parts(value), cased or isinstance(value, SigmaCasedString))
        case SigmaTimestampPart() | SigmaNumber() | SigmaCompareExpression():
            return _number(field, value)
        case SigmaBool():
            return form.Bool(field, value.boolean)
        case SigmaNull():
            return form.Null(field)
        case SigmaExists():
            return form.Exists(field, value.exists)
        case SigmaRegularExpression():
            return form.Re(field, *_regex(value))
        case SigmaCIDRExpression():
            return form.Cidr(field, str(value.network))
        case SigmaFieldReference():
            return _reference(field, value, cased)
        case _:
            raise UnsupportedError(f"a value of type {type(value).__name__} has no place here")


def _keyword(value: SigmaType, cased: bool) -> form.Expression:
    match value:
        case SigmaExpansion():
            return _some(form.Or, (_keyword(each, cased) for each in value.values))
        case SigmaString():
            return form.Keyword(_parts(value), cased or isinstance(value, SigmaCasedString))
        case SigmaRegularExpression():
            return form.ReKeyword(*_regex(value))
        case SigmaNumber() if not isinstance(value, SigmaTimestampPart):
            return form.Keyword((str(value.number),), cased)
        case _:
            raise UnsupportedError(
                f"{type(value).__name__} needs a field: a keyword is text, a number or a regular expression"
            )


def _parts(value: SigmaString) -> tuple[form.Part, ...]:
    return tuple(_merge(_part(piece) for piece in value.s))


def _part(piece: str | SpecialChars | Placeholder) -> form.Part:
    if isinstance(piece, Placeholder):
        hint = "A pipeline with value_placeholders gives it values"
        raise UnsupportedError(f"the placeholder %{piece.name}% is not resolved", hint=hint)
    return piece if isinstance(piece, str) else _WILDCARDS[piece]


def _merge(parts: Iterable[form.Part]) -> Iterator[form.Part]:
    """Literals side by side become one, runs side by side too."""
    last: form.Part | None = None
    for part in parts:
        if isinstance(last, str) and isinstance(part, str):
            last += part
        elif not (last == form.RUN and part == form.RUN):
            if last is not None:
                yield last
            last = part
    if last is not None:
        yield last


def _number(field: str, value: SigmaNumber | SigmaCompareExpression) -> form.Expression:
    compare: form.Compare = "eq"
    if isinstance(value, SigmaCompareExpression):
        if value.op is CompareOperators.NEQ:
            return form.Not(_number(field, value.number))
        compare, value = _COMPARE[value.op], value.number
    if isinstance(value, SigmaTimestampPart):
        return form.Time(field, value.timestamp_part.name.lower(), compare, int(value.number))  # type: ignore[arg-type]
    if isinstance(value.number, int) and abs(value.number) >= 1 << 63:
        raise UnsupportedError(
            f"the number {value.number} has more than 64 bits", hint="Quote it to compare it as text"
        )
    return form.Number(field, compare, value.number)


def _regex(value: SigmaRegularExpression) -> tuple[str, str]:
    if value.contains_placeholder():
        raise UnsupportedError("a placeholder in a regular expression is not resolved")
    flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
    return str(value.regexp), flags


def _reference(field: str, value: SigmaFieldReference, cased: bool) -> form.Expression:
    if value.starts_with and value.ends_with:
        return form.FieldRef(field, value.field, "contains", cased)
    if value.starts_with or value.ends_with:
        return form.FieldRef(field, value.field, "startswith" if value.starts_with else "endswith", cased)
    return form.FieldRef(field, value.field, "eq", cased)


def _negate(expression: form.Expression | None) -> form.Expression | None:
    return None if expression is None else form.Not(expression)


def _join(join: type[form.And] | type[form.Or], parts: Iterable[form.Expression | None]) -> form.Expression | None:
    """Parts linked, those of the same link taken in; None where a pipeline left nothing of them."""
    flat: list[form.Expression] = []
    for part in parts:
        if isinstance(part, join):
            flat.extend(part.of)
        elif part is not None:
            flat.append(part)
    if len(flat) <= 1:
        return flat[0] if flat else None
    return join(tuple(flat))


def _some(join: type[form.And] | type[form.Or], parts: Iterable[form.Expression]) -> form.Expression:
    joined = _join(join, parts)
    if joined is None:
        raise RefusedError("no value is left of it")
    return joined
