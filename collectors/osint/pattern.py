"""What of a STIX pattern the table of indicators can use: single values that an event may have.

A pattern that joins several by AND is used wider than it says: any one of its values is met alone. Values beside which
another one of the same AND is used may be ones that the table cannot use (``file:name`` beside a hash).
"""

import ipaddress
import re
from typing import NamedTuple

import stix2
from stix2.pattern_visitor import create_pattern_object
from stix2.patterns import (
    AndBooleanExpression,
    AndObservationExpression,
    EqualityComparisonExpression,
    FollowedByObservationExpression,
    InComparisonExpression,
    ObservationExpression,
    OrBooleanExpression,
    OrObservationExpression,
    ParentheticalExpression,
    QualifiedObservationExpression,
)

from impetus.domain.errors import ImpetusError

MAX_PATTERN = 4096
"""Characters; the parser is not linear."""

TYPES = {
    "ipv4-addr:value": "ipv4-addr",
    "ipv6-addr:value": "ipv6-addr",
    "domain-name:value": "domain-name",
    "url:value": "url",
    "email-addr:value": "email-addr",
    "email-message:from_ref.value": "email-addr",
    "email-message:sender_ref.value": "email-addr",
    "user-account:user_id": "user-account",
    "user-account:account_login": "user-account",
    "network-traffic:src_ref.value": "address",
    "network-traffic:dst_ref.value": "address",
}
"""Object path → type of indicator; ``address`` stands for whichever of the two the value is."""
HASHES = "file:hashes."
WRAPPERS = {
    ObservationExpression: "operand",
    QualifiedObservationExpression: "observation_expression",
    ParentheticalExpression: "expression",
}
_SIMPLE = re.compile(r"\[\s*([a-z0-9-]+:[\w.'-]+)\s*=\s*'((?:[^'\\]|\\.){1,2000})'\s*\]")


class Value(NamedTuple):
    """A value to look for: its type as ECS and STIX call it, and for a hash of which kind."""

    type: str
    name: str
    hash: str | None = None


class Usable(NamedTuple):
    """The values of a pattern, and why parts of it are left out."""

    values: list[Value]
    left_out: list[str]


def read_pattern(text: str) -> Usable:
    """Read a pattern. Raises ``source.record`` if it is none, or none of it can be used."""
    if len(text) > MAX_PATTERN:
        raise ImpetusError("source.record", f"the pattern has more than {MAX_PATTERN} characters")
    simple = _SIMPLE.fullmatch(text.strip())
    found = _value(simple[1], re.sub(r"\\(.)", r"\1", simple[2])) if simple else _walk(_parse(text))
    if not found.values:
        raise ImpetusError("source.record", f"the pattern has nothing to look up: {'; '.join(found.left_out)[:300]}")
    return found


def read_value(path: str, value: str) -> Value:
    """One value at an object path. Raises ``ValueError`` with the reason if it cannot be looked up."""
    path = path.replace("'", "")
    if path.startswith(HASHES):
        return Value("file", value.lower(), path.removeprefix(HASHES).lower().replace("-", ""))
    kind = TYPES.get(path)
    if kind is None:
        raise ValueError(f"{path} is not looked up")
    if kind in {"address", "ipv4-addr", "ipv6-addr"}:
        return _address(value)
    return Value(kind, value.lower() if kind == "domain-name" else value)


def _address(value: str) -> Value:
    network = ipaddress.ip_network(value)
    if network.num_addresses != 1:
        raise ValueError(f"{value} is a network, and single addresses are looked up")
    return Value(f"ipv{network.version}-addr", str(network.network_address))


def _parse(text: str) -> object:
    try:
        return create_pattern_object(text, version="2.1")
    except (Exception, RecursionError) as error:  # the parser lets out whatever it stumbles over
        raise ImpetusError("source.record", f"not a STIX pattern: {str(error)[:200]}") from error


def _walk(expression: object) -> Usable:
    for wrapper, inner in WRAPPERS.items():
        if isinstance(expression, wrapper):
            return _walk(getattr(expression, inner))
    match expression:
        case AndBooleanExpression() | AndObservationExpression() | FollowedByObservationExpression():
            both = _join(expression.operands)
            return Usable(both.values, [] if both.values else both.left_out)
        case OrBooleanExpression() | OrObservationExpression():
            return _join(expression.operands)
        case EqualityComparisonExpression() | InComparisonExpression():
            return _compare(expression)
    return Usable([], [f"{str(expression)[:100]} is not a comparison with =, or IN"])


def _join(operands: list[object]) -> Usable:
    parts = [_walk(operand) for operand in operands]
    return Usable(
        [value for part in parts for value in part.values], [reason for part in parts for reason in part.left_out]
    )


def _compare(expression: EqualityComparisonExpression | InComparisonExpression) -> Usable:
    path, constant = str(expression.lhs), expression.rhs
    if expression.negated:
        return Usable([], [f"{path} is negated"])
    constants = constant.value if isinstance(constant, stix2.ListConstant) else [constant]
    parts = [_value(path, str(getattr(one, "value", one))) for one in constants]
    return Usable(
        [value for part in parts for value in part.values], [reason for part in parts for reason in part.left_out]
    )


def _value(path: str, value: str) -> Usable:
    try:
        return Usable([read_value(path, value)], [])
    except ValueError as error:
        return Usable([], [str(error)])
