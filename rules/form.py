"""The intermediate form: what rules become, and all that the engine reads of them.

One struct for each op of ``docs/decisions/0003-intermediate-form.md``; ``encode`` writes the JSON.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

VERSION = 1
"""Version of the form; the engine refuses any other."""

Compare = Literal["eq", "lt", "lte", "gt", "gte"]
Operator = Literal["lt", "lte", "gt", "gte", "eq", "neq"]
Comparison = tuple[Operator, int | float]
Part = str | Literal[0, 1]
"""A literal piece of a pattern, or a wildcard: ``RUN`` or ``ONE``."""
RUN: Literal[0] = 0
ONE: Literal[1] = 1


class And(msgspec.Struct, frozen=True, tag_field="op", tag="and"):
    """All of them hold."""

    of: "tuple[Expression, ...]"


class Or(msgspec.Struct, frozen=True, tag_field="op", tag="or"):
    """One of them holds."""

    of: "tuple[Expression, ...]"


class Not(msgspec.Struct, frozen=True, tag_field="op", tag="not"):
    """It does not hold."""

    of: "Expression"


class Match(msgspec.Struct, frozen=True, tag_field="op", tag="match"):
    """The field's text equals the pattern."""

    field: str
    parts: tuple[Part, ...]
    cased: bool = False


class Keyword(msgspec.Struct, frozen=True, tag_field="op", tag="keyword"):
    """Some field's text contains the pattern."""

    parts: tuple[Part, ...]
    cased: bool = False


class Number(msgspec.Struct, frozen=True, tag_field="op", tag="number"):
    """The field is a number, or text that is one, and compares so."""

    field: str
    cmp: Compare
    value: int | float


class Bool(msgspec.Struct, frozen=True, tag_field="op", tag="bool"):
    """The field is that boolean, or text that says it."""

    field: str
    value: bool


class Null(msgspec.Struct, frozen=True, tag_field="op", tag="null"):
    """The field is null or absent."""

    field: str


class Exists(msgspec.Struct, frozen=True, tag_field="op", tag="exists"):
    """The field is present, or is not."""

    field: str
    value: bool


class Re(msgspec.Struct, frozen=True, tag_field="op", tag="re"):
    """The pattern is found in the field's text; ``flags`` is a subset of ``ims``."""

    field: str
    pattern: str
    flags: str = ""


class ReKeyword(msgspec.Struct, frozen=True, tag_field="op", tag="re_keyword"):
    """The pattern is found in some field's text."""

    pattern: str
    flags: str = ""


class Cidr(msgspec.Struct, frozen=True, tag_field="op", tag="cidr"):
    """The field is an address in the network."""

    field: str
    network: str


class FieldRef(msgspec.Struct, frozen=True, tag_field="op", tag="fieldref"):
    """The texts of two fields compare so."""

    field: str
    other: str
    how: Literal["eq", "startswith", "endswith", "contains"] = "eq"
    cased: bool = False


class Time(msgspec.Struct, frozen=True, tag_field="op", tag="time"):
    """A part of the field's timestamp, in its own offset, compares so."""

    field: str
    part: Literal["minute", "hour", "day", "week", "month", "year"]
    cmp: Compare
    value: int


Leaf: TypeAlias = Match | Keyword | Number | Bool | Null | Exists | Re | ReKeyword | Cidr | FieldRef | Time
Expression: TypeAlias = And | Or | Not | Leaf


class LogSource(msgspec.Struct, frozen=True):
    """What an event must count as; None asks for nothing."""

    product: str | None = None
    category: str | None = None
    service: str | None = None


class Rule(msgspec.Struct, frozen=True):
    """One single-event rule."""

    id: str
    logsource: LogSource
    condition: Expression
    alerts: bool = True


class AllRules(msgspec.Struct, frozen=True, tag_field="op", tag="and"):
    """All of them, in the extended condition of a correlation."""

    of: "tuple[RuleExpression, ...]"


class AnyRule(msgspec.Struct, frozen=True, tag_field="op", tag="or"):
    """One of them."""

    of: "tuple[RuleExpression, ...]"


class NoRule(msgspec.Struct, frozen=True, tag_field="op", tag="not"):
    """It stays away until the window closes."""

    of: "RuleExpression"


class RuleLeaf(msgspec.Struct, frozen=True, tag_field="op", tag="rule"):
    """The rule of this index has matched in the window."""

    index: int


RuleExpression: TypeAlias = AllRules | AnyRule | NoRule | RuleLeaf


class Condition(msgspec.Struct, frozen=True):
    """When a window fires: comparisons (all of them), or an expression over the rules."""

    cmp: tuple[Comparison, ...] = ()
    fields: tuple[str, ...] = ()
    percentile: int | float | None = None
    expr: RuleExpression | msgspec.UnsetType = msgspec.UNSET


class Zone(msgspec.Struct, frozen=True, omit_defaults=True):
    """Relation of zones; ``name`` is the zone that ``within`` asks for."""

    kind: Literal["same", "adjacent", "within"]
    name: str | None = None


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Relation of earlier events to the newest: metres, zones, km/h."""

    distance: tuple[Comparison, ...] = ()
    zone: Zone | None = None
    speed: tuple[Comparison, ...] = ()
    certain: bool = False


class Correlation(msgspec.Struct, frozen=True):
    """One correlation; ``timespan`` in microseconds."""

    id: str
    type: str
    rules: tuple[int, ...]
    group_by: tuple[str, ...]
    aliases: dict[str, dict[str, str]]
    timespan: int
    condition: Condition
    place: Place | None = None
    alerts: bool = True


class Form(msgspec.Struct, frozen=True):
    """Everything, in the order that gives the indices."""

    version: int
    rules: tuple[Rule, ...]
    correlations: tuple[Correlation, ...]


_encoder = msgspec.json.Encoder()


def encode(rules: Iterable[Rule], correlations: Iterable[Correlation]) -> bytes:
    """The form as the engine reads it."""
    return _encoder.encode(Form(VERSION, tuple(rules), tuple(correlations)))


def decode(form: bytes) -> Form:
    """The form as structs, for tests and explanations."""
    return msgspec.json.decode(form, type=Form)


def leaves(expression: Expression) -> Iterator[Leaf]:
    """Every leaf of a condition."""
    match expression:
        case And(of) | Or(of):
            for part in of:
                yield from leaves(part)
        case Not(inner):
            yield from leaves(inner)
        case leaf:
            yield leaf


def fields(expression: Expression) -> set[str]:
    """Names of the fields that a condition reads; keywords read all and name none."""
    names = {leaf.field for leaf in leaves(expression) if not isinstance(leaf, Keyword | ReKeyword)}
    return names | {leaf.other for leaf in leaves(expression) if isinstance(leaf, FieldRef)}


def holds_when(expression: RuleExpression, matched: Callable[[int], bool]) -> bool:
    """Whether an extended condition holds when exactly the rules of ``matched`` have matched."""
    match expression:
        case AllRules(of):
            return all(holds_when(part, matched) for part in of)
        case AnyRule(of):
            return any(holds_when(part, matched) for part in of)
        case NoRule(inner):
            return not holds_when(inner, matched)
        case RuleLeaf(index):
            return matched(index)
