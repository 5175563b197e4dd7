"""A query of a client as it may be answered: masks turned into values, and nothing asked that the answer would hide."""

import re
from collections.abc import Callable, Iterable

import msgspec

from impetus.domain.entity import IDENTIFYING, SEARCHED
from impetus.domain.errors import ImpetusError
from impetus.domain.personal import FIELDS
from impetus.domain.ports import Question, Shown, Span, StoredEvent
from impetus.domain.query import parse
from impetus.domain.query.tree import Compare, Equals, Key, Leaf, Network, Node, conjunction, leaves, rewrite
from integrations.grpc.keys import is_masked
from integrations.grpc.masking import PERSONAL_KINDS, Masking

# The words in front of masks, one by one: a run of any letters would be looked through again from each of its letters.
_MASK = re.compile(rb"(?:%b)#[0-9a-f]{8}" % b"|".join(sorted(kind.encode() for kind in PERSONAL_KINDS)))
_KEYED = {**IDENTIFYING, **SEARCHED}
"""Field → kind of the keys under which events with its values are stored."""
_encode = msgspec.json.Encoder().encode

Resolve = Callable[[str], str]
"""The key behind a masked one. Raises ``ImpetusError`` (query.invalid) where it is not known."""


def question(text: str, keys: Iterable[str], span: Span, masking: Masking, resolve: Resolve) -> Question:
    """What a client asks: a query, and keys that an event must have too. Raises ``ImpetusError`` (query.invalid)."""
    asked = conjunction((*map(_key, keys), parse(text)))
    query = rewrite(asked, lambda leaf: _unmasked(leaf, resolve))
    for leaf in leaves(query):
        _check(leaf)
    return Question(query, span, shown_by(masking))


def shown_by(masking: Masking) -> Shown:
    """How words and patterns see an event: as it is shown, each mask as one sign, since its letters say nothing."""

    def shown(stored: StoredEvent) -> bytes:
        event, original = masking.event(stored)
        return _MASK.sub(b"#", _encode({**event, "event.original": original} if original else event))

    return shown


def _check(leaf: Leaf) -> None:
    whole = isinstance(leaf, Equals) and leaf.text is not None
    if isinstance(leaf, Equals | Compare | Network) and leaf.field in FIELDS and not whole:
        what = f"{leaf.field} tells of a person: it is found by its whole value or its mask"
        raise ImpetusError("query.invalid", what, hint=f"Such as {leaf.field}:{FIELDS[leaf.field]}#3fa9c2d1")


def _unmasked(leaf: Leaf, resolve: Resolve) -> Node:
    """The same with the value behind a mask of an entity."""
    match leaf:
        case Key(kind, value) if is_masked(f"{kind}:{value}"):
            return _key(resolve(f"{kind}:{value}"))
        case Equals(field) if _KEYED.get(field, "") in PERSONAL_KINDS:
            masked = f"{_KEYED[field]}:{leaf.text}"
            return Equals(field, (_key(resolve(masked)).value,)) if is_masked(masked) else leaf
    return leaf


def _key(key: str) -> Key:
    kind, _, value = key.partition(":")
    return Key(kind, value)
