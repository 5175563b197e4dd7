"""A filter never misses what is in it, and seldom claims what is not."""

from hypothesis import given
from hypothesis import strategies as st

from integrations.embedded.filter import HASH_BYTES, Filters, view

FILTERS = Filters(b"s" * 16)


@given(st.sets(st.text(max_size=12)), st.sets(st.text(max_size=12)))
def test_what_is_in_a_filter_is_found(held: set[str], other: set[str]) -> None:
    packed = FILTERS.pack(held)
    assert len(packed) == HASH_BYTES * len(held)
    assert all(FILTERS.may_hold_any(packed, [FILTERS.hash(text)]) for text in held)
    assert all(FILTERS.may_hold_any(packed, {FILTERS.hash(text), 0}) for text in held)
    both = {FILTERS.hash(text) for text in held | other}
    assert FILTERS.may_hold_any(packed, both) == bool(held)
    for text in other:
        assert FILTERS.may_hold_any(packed, [FILTERS.hash(text)]) == (FILTERS.hash(text) in set(view(packed)))


def test_a_filter_claims_next_to_nothing_that_is_not_in_it() -> None:
    packed = FILTERS.pack(f"id-{n}" for n in range(5_000))
    claimed = sum(FILTERS.may_hold_any(packed, [FILTERS.hash(f"other-{n}")]) for n in range(20_000))
    assert claimed <= 2


def test_another_secret_gives_other_hashes() -> None:
    assert Filters(b"t" * 16).hash("device:D-214") != FILTERS.hash("device:D-214")
