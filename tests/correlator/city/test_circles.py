"""Circles of ``depends_on``: the same devices as by following each, in one walk."""

from hypothesis import given
from hypothesis import strategies as st

from correlator.city.circles import in_circles

NEEDS = st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.sampled_from("abcdefghx"), max_size=4))


def reached(needs: dict[str, list[str]], device: str) -> set[str]:
    found: set[str] = set()
    todo = list(needs.get(device, ()))
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo.extend(needs.get(each, ()))
    return found


@given(NEEDS)
def test_a_device_is_in_a_circle_if_following_its_needs_leads_back(needs: dict[str, list[str]]) -> None:
    assert in_circles(needs) == {device for device in needs if device in reached(needs, device)}


def test_chains_and_circles_as_long_as_a_model_are_walked_once() -> None:
    chain = {f"D{n}": [f"D{n - 1}"] for n in range(1, 50_000)}
    assert in_circles(chain) == set()
    assert in_circles(chain | {"D0": ["D49999"]}) == {f"D{n}" for n in range(50_000)}
