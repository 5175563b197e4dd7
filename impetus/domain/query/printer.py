"""Writing a query: what ``parse`` reads back as the same tree."""

import re

from impetus.domain.instant import format_instant
from impetus.domain.query.tree import (
    ONE,
    RUN,
    All,
    And,
    Compare,
    Equals,
    Exists,
    Key,
    Moment,
    Near,
    NearDevice,
    Network,
    Node,
    Not,
    Or,
    Pattern,
    Since,
    Until,
    Word,
    Zone,
    plain,
)

_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_SIMPLE = re.compile(r"[A-Za-z0-9_.@#$%+,;=~-]+")
"""Texts that need no quotes; a slash is left out, since an unquoted network is one."""
_KEYWORDS = frozenset({"and", "or", "not"})
_MARK = re.compile(r'[\s()\[\]{}"\\*?:<>/]')
_UNITS = ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms"))


def write(node: Node) -> str:
    """The text of a query; parentheses wherever there could be a doubt."""
    match node:
        case And(of):
            return " and ".join(map(_inner, of))
        case Or(of):
            return " or ".join(map(_inner, of))
        case Not(inner):
            return f"not {_inner(inner)}"
        case leaf:
            return _leaf(leaf)


def _inner(node: Node) -> str:
    return f"({write(node)})" if isinstance(node, And | Or) else write(node)


def _leaf(leaf: Node) -> str:  # noqa: PLR0911 - one line for each kind
    match leaf:
        case Word(parts):
            return _value(parts)
        case Equals(field, parts):
            return f"{_escape(field)}:{_value(parts)}"
        case Exists(field):
            return f"{_escape(field)}:*"
        case Compare(field, order, number):
            return f"{_escape(field)}:{_SIGNS[order]}{number!r}"
        case Network(field, network):
            return f"{_escape(field)}:{network}"
        case All():
            return "*"
        case special:
            return _special(special)


def _special(leaf: Node) -> str:
    match leaf:
        case Key(kind, value):
            return f"entity:{_quote(f'{kind}:{value}')}"
        case Zone(id):
            return f"zone:{_quote(id)}"
        case Near(lat, lon, metres):
            return f"near:{lat!r},{lon!r},{_metres(metres)}"
        case NearDevice(device, metres):
            return f"near:{_quote(f'{device},{_metres(metres)}')}"
        case Since(moment):
            return f"since:{_moment(moment)}"
        case Until(moment):
            return f"until:{_moment(moment)}"
        case other:
            raise TypeError(f"no leaf of a query: {other!r}")


def _value(parts: Pattern) -> str:
    text = plain(parts)
    if text is not None:
        return text if _SIMPLE.fullmatch(text) and text.lower() not in _KEYWORDS else _quote(text)
    return "".join("*" if part == RUN else "?" if part == ONE else _escape(str(part)) for part in parts)


def _escape(text: str) -> str:
    return _MARK.sub(lambda found: "\\" + found[0], text)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _metres(metres: float) -> str:
    return f"{metres:f}".rstrip("0").rstrip(".") + "m"


def _moment(moment: Moment) -> str:
    if moment.at is not None:
        return format_instant(moment.at)
    ago = moment.ago or 0
    for size, unit in _UNITS:
        if ago % size == 0:
            return f"{ago // size}{unit}"
    return f"{ago}us"
