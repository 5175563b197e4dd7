"""The small filters of a block: which keys and which event ids may be in it.

A filter is a sorted array of 32-bit keyed hashes. It never misses what is there; what it claims is checked against the
block. The hash is keyed with a secret of the store, so that no sender can choose ids that collide.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable
from hashlib import blake2b

HASH_BYTES = 4
_SEARCH_STEPS = 16
"""About what a binary search costs, in elements of a plain scan."""


class Filters:
    """Builds and asks filters with the secret of one store."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = blake2b(key=secret, digest_size=HASH_BYTES)

    def hash(self, text: str) -> int:
        """The keyed hash of a key or an id."""
        state = self._keyed.copy()
        state.update(text.encode())
        return int.from_bytes(state.digest(), "little")

    def pack(self, texts: Iterable[str]) -> bytes:
        """A filter over texts: little-endian, ascending."""
        copy = self._keyed.copy
        digests = []
        for text in texts:
            state = copy()
            state.update(text.encode())
            digests.append(state.digest())
        return pack_hashes(_little(array("I", b"".join(digests))))

    def may_hold_any(self, packed: bytes, hashes: Collection[int]) -> bool:
        """Whether one of some hashes is in a filter."""
        held = view(packed)
        if len(hashes) * _SEARCH_STEPS < len(held):
            return any(_contains(held, wanted) for wanted in hashes)
        return not frozenset(hashes).isdisjoint(held)


def pack_hashes(hashes: Iterable[int]) -> bytes:
    """A filter of hashes: little-endian, ascending."""
    return _little(array("I", sorted(hashes))).tobytes()


def _contains(held: "memoryview[int] | array[int]", wanted: int) -> bool:
    at = bisect_left(held, wanted)
    return at < len(held) and held[at] == wanted


def view(packed: bytes) -> "memoryview[int] | array[int]":
    """The numbers of a filter, ascending."""
    if sys.byteorder == "little":
        return memoryview(packed).cast("I")
    return _little(array("I", packed))


def _little(numbers: "array[int]") -> "array[int]":
    """Native to little-endian order and back."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
