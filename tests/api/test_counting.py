"""Histograms and facets stay bounded and lose no event."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.errors import ImpetusError
from integrations.grpc.counting import BUCKETS, MAX_VALUE, MOST_BUCKETS, VALUES, Facets, Histogram

TIMES = st.lists(st.lists(st.integers(-(10**15), 4 * 10**15), max_size=20), max_size=10)


@given(TIMES)
def test_a_chosen_width_gives_few_buckets_with_every_event(portions: list[list[int]]) -> None:
    histogram = Histogram()
    for times in portions:
        histogram.add(times)
    buckets, times = histogram.buckets(), [time for times in portions for time in times]
    assert sum(events for _, events in buckets) == len(times)
    assert all(any(start <= time < start + histogram.width for start, _ in buckets) for time in times)
    assert not buckets or (buckets[-1][0] - buckets[0][0]) // histogram.width < BUCKETS


def test_a_width_that_gives_too_many_buckets_is_refused() -> None:
    with pytest.raises(ImpetusError, match="more than"):
        Histogram(1).add(range(MOST_BUCKETS + 1))


def test_values_beyond_the_bound_are_not_counted_and_it_is_said() -> None:
    facets = Facets(["a.b"])
    for number in range(VALUES + 5):
        facets.add({"a": {"b": [number, number, None]}})
    facets.add({"a.b": "x" * 1_000})
    facets.add({"a": 1})
    assert len(facets.values["a.b"]) == VALUES
    assert facets.values["a.b"]["7"] == 1
    assert facets.events["a.b"] == VALUES + 6
    assert facets.bounded == {"a.b"}
    assert max(map(len, facets.values["a.b"])) <= MAX_VALUE
