"""What a search takes out of a block is what a slow reading of the whole block would take."""

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.batch import Commit, Head
from impetus.domain.entity import fold_key
from impetus.domain.ports import Sieve
from integrations.embedded.block import LINES, decode_heads, decode_keyed_heads, decode_lines, encode, pick_lines
from integrations.embedded.sift import _keys

KEYS = st.text(st.sampled_from("aAkKßſİi\n\u212a\u0307:"), max_size=4)


def _block(lines: list[bytes], keys: list[tuple[str, ...]]) -> tuple[bytes, ...]:
    heads = tuple(Head(str(place), place, each) for place, each in enumerate(keys))
    return encode(Commit(lines=tuple(lines), heads=heads), zstandard.ZstdCompressor().compress).seal(7)


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=6), st.data())
def test_lines_are_cut_across_chunks(sizes: list[int], data: st.DataObject) -> None:
    lines = [bytes([65 + place]) * size for place, size in enumerate(sizes)]
    column = _block(lines, [()] * len(lines))[2]
    places = sorted(data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1)))
    assert pick_lines(7, LINES, column, places) == [decode_lines(7, LINES, column)[place] for place in places]


@given(st.lists(st.tuples(KEYS, KEYS), min_size=1, max_size=6), st.sets(KEYS, min_size=1, max_size=3))
def test_keys_are_met_whatever_their_case(keys: list[tuple[str, ...]], asked: set[str]) -> None:
    column = _block([b"{}"] * len(keys), keys)[0]
    wanted = frozenset(fold_key(key) for key in asked)
    slow: dict[str, set[int]] = {key: set() for key in wanted}
    for key, lines in decode_heads(7, column).lines.items():
        slow.get(fold_key(key), set()).update(lines)
    assert _keys(decode_keyed_heads(7, column), {}, Sieve(clauses=(wanted,))) == slow
