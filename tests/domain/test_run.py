"""Runs: a commit whose events lie elsewhere, put together again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.batch import Commit, Head, Run
from impetus.domain.errors import ImpetusError
from impetus.domain.run import Written, pack, places_by_key, traits_of, unpack, whole

TOPIC = {(partition, offset): partition * 100 + offset * 10 for partition in range(2) for offset in range(3)}


def written(base: int, size: int) -> Written:
    numbers = range(base, base + size)
    return Written(
        tuple(b"line %d" % number for number in numbers),
        tuple(b"more %d" % number for number in numbers),
        tuple(f"id {number}" for number in numbers),
        tuple(numbers),
        tuple((f"key:{number}",) for number in numbers),
    )


def fetch(partition: int, offset: int) -> tuple[Written, ...]:
    base = TOPIC[partition, offset]
    return written(base, 5), written(base + 5, 5)


def commit_of(numbers: list[int]) -> Commit:
    return Commit(
        lines=tuple(b"line %d" % number for number in numbers),
        additions=tuple(b"more %d" % number for number in numbers),
        heads=tuple(Head(f"id {number}", number, (f"key:{number}",)) for number in numbers),
        duplicates=3,
    )


@given(st.data())
def test_what_lies_elsewhere_is_among_the_others_in_its_order(data: st.DataObject) -> None:
    own: list[int] = []
    expected: list[int] = []
    runs = []
    for partition, offset in data.draw(st.lists(st.sampled_from(sorted(TOPIC)), unique=True)):
        batch, parts, at = data.draw(st.integers(0, 1)), [], 0
        while at < 5 and data.draw(st.booleans()):
            for _ in range(data.draw(st.integers(0, 2))):
                own.append(1000 + len(own))
                expected.append(own[-1])
            start = data.draw(st.integers(at, 4))
            at = data.draw(st.integers(start + 1, 5))
            parts.append((start, at, len(own)))
            first = TOPIC[partition, offset] + 5 * batch
            expected += range(first + start, first + at)
        runs.append(Run(partition, offset, batch, tuple(parts)))
    for _ in range(data.draw(st.integers(0, 2))):
        own.append(1000 + len(own))
        expected.append(own[-1])
    cut = Commit(
        lines=commit_of(own).lines, additions=commit_of(own).additions, heads=commit_of(own).heads, duplicates=3,
        runs=tuple(runs),
    )  # fmt: skip
    assert whole(cut, fetch) == commit_of(expected)


def test_a_commit_with_all_its_events_asks_for_nothing() -> None:
    def gone(partition: int, offset: int) -> tuple[Written, ...]:
        raise ImpetusError("cluster.record", "gone")

    commit = commit_of([1, 2])
    assert whole(commit, gone) is commit
    with pytest.raises(ImpetusError, match="gone"):
        whole(Commit(runs=(Run(0, 0, 0, ((0, 1, 0),)),)), gone)


def test_traits_are_ids_times_and_the_keys_of_some_kinds() -> None:
    heads = [Head("a", -5, ("address:1", "device:x")), Head("b", 7, ()), Head("c", 7, ("address:1", "user:y"))]
    traits = traits_of(heads, frozenset({"address", "user"}))
    assert (traits.ids, unpack(traits.times)) == (("a", "b", "c"), (-5, 7, 7))
    assert places_by_key(traits) == {"address:1": [0, 2], "user:y": [2]}


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1)))
def test_numbers_come_out_as_they_went_in(numbers: list[int]) -> None:
    assert list(unpack(pack(numbers))) == numbers
