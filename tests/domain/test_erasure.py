"""Erasing: whatever names a person goes from an event, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.erasure import ERASED, erase
from impetus.domain.event import flatten
from impetus.domain.personal import FIELDS


@pytest.mark.parametrize(
    ("event", "left"),
    [
        ({"user": {"name": "kari", "domain": "CITY"}, "a": 1}, {"user": {"domain": "CITY"}, "a": 1}),
        ({"user.name": "kari", "message": "Kari opened it"}, {"message": f"{ERASED} opened it"}),
        ({"user": {"name": r"CITY\kari"}, "path": r"C:\Users\kari\x"}, {"path": rf"C:\Users\{ERASED}\x"}),
        ({"related": {"user": ["ola", "kari"]}, "x": ["ola", 2]}, {"x": [ERASED, 2]}),
        ({"badge": {"id": 4711}, "event": {"original": "badge 4711", "id": "e"}},
         {"event": {"original": f"badge {ERASED}", "id": "e"}}),
        ({"vehicle": [{"plate": "EK12345", "kind": "car"}]}, {"vehicle": [{"kind": "car"}]}),
        ({"user": {"name": None}, "b": None}, None),
        ({"threat": {"indicator": {"type": "email-addr", "name": "kari@city.no"}}},
         {"threat": {"indicator": {"type": "email-addr", "name": ERASED}}}),
        ({"device": {"id": "D-1"}, "message": "kari"}, None),
    ],
)  # fmt: skip
def test_personal_values_go_and_nothing_else(event: dict[str, object], left: dict[str, object] | None) -> None:
    erased = erase(json.dumps(event).encode(), b"")
    assert (None if erased is None else json.loads(erased.line)) == left


def test_what_enrichment_added_tells_no_more_than_the_event() -> None:
    erased = erase(b'{"user.name":"kari"}', b'{"plan.holder":"kari","place.zone":"Z1"}')
    assert erased is not None
    assert json.loads(erased.addition) == {"plan.holder": "kari", "place.zone": "Z1"}, "places are never people"
    assert erased.names == {"kari"}


@pytest.mark.parametrize("line", [b"", b"no json", b'{"user.name":', b"[1]", b'{"user.name": true}', b"\xff"])
def test_what_is_no_event_with_a_person_is_left_alone(line: bytes) -> None:
    assert erase(line, b"") is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["kari", "Ola Nordmann", r"CITY\kari", "door 7"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "id", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["user", "badge", "user.name", "vehicle.plate", "message", "device", "event", "\u00fcser"])


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.booleans())
def test_no_personal_field_is_left_however_it_is_nested_and_erasing_again_changes_nothing(
    event: dict[str, object], escaped: bool
) -> None:
    line = json.dumps(event).encode()
    if escaped:
        line = line.replace(b'"user', b'"\\u0075ser')
    erased = erase(line, b"")
    personal = {
        name: [value for value in values if value is not None and not isinstance(value, bool)]
        for name, values in flatten(event).items() if name in FIELDS  # type: ignore[arg-type]
    }  # fmt: skip
    assert (erased is not None) == any(personal.values())
    if erased is not None:
        left = flatten(json.loads(erased.line))
        assert not FIELDS.keys() & left.keys()
        assert erase(erased.line, b"") is None
        others = {name for name in flatten(event) if name not in FIELDS}  # type: ignore[arg-type]
        assert left.keys() <= others
