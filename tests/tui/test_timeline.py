"""Lanes of domains, and a time axis that cuts long gaps instead of squeezing what happened."""

from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.instant import SECOND, parse_instant
from tui.look import Look
from tui.views.timeline import lanes, scale

LOOK = Look()


def texts(points: list[tuple[str, int]], width: int = 60) -> list[str]:
    return [line.text.rstrip() for line in lanes(points, width, LOOK)]


def test_network_and_street_are_lanes_in_the_order_of_domains() -> None:
    drawn = texts([("physical", 0), ("cyber", 60 * SECOND), ("made-up", 30 * SECOND)])
    assert [line.split()[0] for line in drawn[:3]] == ["CYBER", "PHYSICAL", "MADE-UP"]
    assert drawn[0].endswith("●") and "─●" in drawn[2]


def test_a_long_gap_is_cut_and_told_on_both_sides() -> None:
    before, start = parse_instant("2027-05-14T19:42:00+00:00"), parse_instant("2027-05-17T06:00:00+00:00")
    times = [before, before + 60 * SECOND, *(start + n * 300 * SECOND for n in range(5))]
    (lane, axis) = texts([("cyber", time) for time in times], 80)
    assert lane.count("┊") == 1 and lane.count("●") >= 6
    assert "19:4" in axis and "06:" in axis


def test_nothing_is_drawn_of_nothing_and_one_point_needs_no_span() -> None:
    assert texts([]) == []
    assert texts([("iot", 5)])[0].count("●") == 1


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=30, unique=True), st.integers(8, 200))
def test_every_point_has_a_column_in_the_order_of_time(times: list[int], room: int) -> None:
    columns, cuts = scale(sorted(times), room)
    placed = [columns[time] for time in sorted(times)]
    assert placed == sorted(placed)
    assert all(0 <= column < room for column in (*placed, *cuts))
    assert all(line.width <= room + 10 for line in lanes([("cyber", time) for time in times], room + 10, LOOK))
