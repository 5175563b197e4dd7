"""The syntax tree of a query: one struct for each thing that can be asked."""

from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

import msgspec

RUN: Literal[0] = 0
ONE: Literal[1] = 1
"""Wildcards of a pattern: any run of characters (``*``), and one character (``?``)."""

Pattern: TypeAlias = tuple[str | int, ...]
"""Literal pieces and wildcards, as in the intermediate form of rules; empty: the empty text."""
Order = Literal["lt", "lte", "gt", "gte"]


class All(msgspec.Struct, frozen=True, tag=True):
    """Every event."""


class And(msgspec.Struct, frozen=True, tag=True):
    """All of them; two or more."""

    of: "tuple[Node, ...]"


class Or(msgspec.Struct, frozen=True, tag=True):
    """At least one of them; two or more."""

    of: "tuple[Node, ...]"


class Not(msgspec.Struct, frozen=True, tag=True):
    """Not so."""

    of: "Node"


class Word(msgspec.Struct, frozen=True, tag=True):
    """The text of some field contains the pattern, whatever the case."""

    parts: Pattern


class Equals(msgspec.Struct, frozen=True, tag=True):
    """The text of a field is the pattern, whatever the case."""

    field: str
    parts: Pattern

    @property
    def text(self) -> str | None:
        """The value, if there is no wildcard in it."""
        return plain(self.parts)


class Exists(msgspec.Struct, frozen=True, tag=True):
    """The event has the field."""

    field: str


class Compare(msgspec.Struct, frozen=True, tag=True):
    """The field is a number, or text that is one, and compares so."""

    field: str
    order: Order
    number: int | float


class Network(msgspec.Struct, frozen=True, tag=True):
    """The field is an address in a network."""

    field: str
    network: str


class Key(msgspec.Struct, frozen=True, tag=True):
    """The event was stored under an entity: what it is about, as the city model said then."""

    kind: str
    value: str


class Zone(msgspec.Struct, frozen=True, tag=True):
    """The event happened in a zone, or in one within it."""

    id: str


class Near(msgspec.Struct, frozen=True, tag=True):
    """The location of the event is at most so many metres from a point."""

    lat: float
    lon: float
    metres: float


class NearDevice(msgspec.Struct, frozen=True, tag=True):
    """The same from where a device stands."""

    device: str
    metres: float


class Moment(msgspec.Struct, frozen=True):
    """An instant (µs), or so long before the search (µs)."""

    at: int | None = None
    ago: int | None = None

    def instant(self, now: int) -> int:
        """µs since the epoch, for a search that is made ``now``."""
        return self.at if self.at is not None else now - (self.ago or 0)


class Since(msgspec.Struct, frozen=True, tag=True):
    """At or after a moment, by event time."""

    moment: Moment


class Until(msgspec.Struct, frozen=True, tag=True):
    """Before a moment, by event time."""

    moment: Moment


Leaf: TypeAlias = All | Word | Equals | Exists | Compare | Network | Key | Zone | Near | NearDevice | Since | Until
Node: TypeAlias = And | Or | Not | Leaf


def plain(parts: Pattern) -> str | None:
    """The text of a pattern without wildcards; None of any other."""
    return "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else None


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf of a query, from left to right."""
    match node:
        case And(of) | Or(of):
            for inner in of:
                yield from leaves(inner)
        case Not(inner):
            yield from leaves(inner)
        case leaf:
            yield leaf


def rewrite(node: Node, change: Callable[[Leaf], Node]) -> Node:
    """The same query with every leaf changed."""
    match node:
        case And(of):
            return And(tuple(rewrite(inner, change) for inner in of))
        case Or(of):
            return Or(tuple(rewrite(inner, change) for inner in of))
        case Not(inner):
            return Not(rewrite(inner, change))
        case leaf:
            return change(leaf)


def conjunction(nodes: "tuple[Node, ...]") -> Node:
    """All of some queries, however few; those that ask for nothing are left out."""
    asked = tuple(node for node in nodes if not isinstance(node, All))
    return And(asked) if len(asked) > 1 else asked[0] if asked else All()
