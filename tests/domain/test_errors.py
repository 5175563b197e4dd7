"""Errors for people: where, what and what was meant; the shape of documents behind them."""

import msgspec
import pytest

from impetus.domain.city import City
from impetus.domain.errors import ImpetusError, Where, nearest
from impetus.domain.shape import Mismatch, known_keys


@pytest.mark.parametrize(
    ("where", "text"),
    [(Where(), ""), (Where("a.yml"), "a.yml"), (Where("a.yml", 3), "a.yml:3"), (Where("a.yml", 3, "k"), "a.yml:3 (k)"),
     (Where(None, 3), "line 3"), (Where(None, None, "k"), "k"), (Where(None, 3, "k"), "line 3 (k)")],
)  # fmt: skip
def test_a_place_reads_as_far_as_it_is_known(where: Where, text: str) -> None:
    assert str(where) == text


def test_errors_compare_by_value_and_read_as_one_line() -> None:
    one = ImpetusError("city.invalid", "wrong", Where("a.yml", 3), "Try this")
    assert one == ImpetusError("city.invalid", "wrong", Where("a.yml", 3), "Try this")
    assert one != ImpetusError("city.invalid", "wrong", Where("a.yml", 4), "Try this")
    assert str(one) == "a.yml:3: wrong [city.invalid]. Try this"


def test_the_nearest_key_is_named_or_all_are() -> None:
    assert nearest("zonse", ["zones", "devices"]) == "Did you mean 'zones'?"
    assert nearest("x", ["zones", "devices"]) == "Known here: devices, zones"


def test_a_mismatch_says_where_and_which_keys_are_known_there() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"city": "x", "devices": [{"id": "D", "kind": "x", "heartbeat": {"evry": "1s"}}]}, City)
    found = Mismatch.of(caught.value)
    assert (found.key, found.path) == ("evry", "devices[0].heartbeat")
    assert known_keys(City, found.steps) == ["every", "silent_after"]
    assert "zones" in known_keys(City, ())
