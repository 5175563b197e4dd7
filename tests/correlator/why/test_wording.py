"""Numbers, comparisons and lengths of time as answers say them."""

import pytest

from correlator.why.wording import asked, limit, missed, span
from impetus.domain.instant import SECOND


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (341, "341 s"),
        (900, "15 min"),
        (925, "15 min 25 s"),
        (7500, "2 h 5 min"),
        (-60, "60 s"),
    ],
)
def test_a_length_of_time(seconds: float, text: str) -> None:
    assert span(int(seconds * SECOND)) == text


@pytest.mark.parametrize(("seconds", "text"), [(300, "5 min"), (7200, "2 h"), (86_400, "1 d"), (45, "45 s")])
def test_a_limit_is_as_rules_give_it(seconds: int, text: str) -> None:
    assert limit(seconds * SECOND) == text


def test_a_comparison_says_what_it_asks_and_which_part_missed() -> None:
    assert asked([("gte", 10), ("lt", 2.5)], " m") == "≥ 10 m and < 2.5 m"
    assert missed([("lte", 200), ("gte", 10)], 391.0, " m") == "is over 200 m"
    assert missed([("gt", 120)], 87.0, " km/h") == "is not over 120 km/h"
