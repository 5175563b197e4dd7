"""Personal data: masked wherever it stands, the same person with the same mask, nothing else changed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.personal import FIELDS, Masker, mask_text

KEY = b"0123456789abcdef"
NAMES = st.text(alphabet="abcÆøß.-", min_size=4, max_size=10).filter(lambda name: name.strip(".-") == name)


def test_a_key_is_long_enough() -> None:
    with pytest.raises(ValueError):
        Masker(b"short")


@given(st.sampled_from(sorted(FIELDS)), NAMES)
def test_nested_and_flat_fields_are_masked_alike(field: str, name: str) -> None:
    masker = Masker(KEY)
    nested: Any = name
    for step in reversed(field.split(".")):
        nested = {step: nested}
    mask = masker.value(field, name)
    assert mask != name
    assert masker.event({field: [name, None]}) == {field: [mask, None]}
    for step in field.split("."):
        nested = nested[step]
    assert nested == name


@given(NAMES)
def test_a_mask_follows_the_person_and_the_key(name: str) -> None:
    one, other = Masker(KEY), Masker(KEY[::-1])
    assert one.value("user.name", name) == one.value("user.target.name", name.upper().lower())
    assert one.value("user.name", name) != other.value("user.name", name)
    assert one.value("host.name", name) == name


@given(NAMES)
def test_a_raw_text_holds_no_masked_name(name: str) -> None:
    found = Masker(KEY).event({"user": {"name": name}, "message": f"user={name}; done", "note": "kept"})
    assert name.casefold() not in str(found["message"]).casefold().replace(str(found["user"]).casefold(), "")
    assert found["note"] == "kept"


def test_a_longer_name_is_not_cut_by_a_shorter_one() -> None:
    assert mask_text("ola.nordmann and ola", {"ola": "A", "ola.nordmann": "B"}) == "B and A"
