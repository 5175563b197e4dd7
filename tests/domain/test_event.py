"""Events: however its names are nested or flat, a field is the same field."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from impetus.domain.event import Json, first_text, flatten, read, text, walk

NAMES = st.sampled_from(["a", "b", "c", "ip"])
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3)
VALUES = SCALARS | st.lists(SCALARS, max_size=3)
FIELDS = st.dictionaries(st.lists(NAMES, min_size=1, max_size=4).map(tuple), VALUES, max_size=6)


def _nested(fields: dict[tuple[str, ...], Json], cut: "st.DataObject | None" = None) -> dict[str, Json]:
    """Fields as one object: fully nested, or with names joined by dots where ``cut`` draws so."""
    event: dict[str, Any] = {}
    for path, value in fields.items():
        steps = _joined(path, cut) if cut is not None else list(path)
        inner = event
        for step in steps[:-1]:
            inner = inner.setdefault(step, {})
        inner[steps[-1]] = value
    return event


def _joined(path: tuple[str, ...], cut: "st.DataObject") -> list[str]:
    steps = [path[0]]
    for name in path[1:]:
        if cut.draw(st.booleans()):
            steps[-1] += f".{name}"
        else:
            steps.append(name)
    return steps


def _prefix_free(fields: dict[tuple[str, ...], Json]) -> dict[tuple[str, ...], Json]:
    """Without fields below another field: an object cannot be both."""
    return {
        path: value
        for path, value in fields.items()
        if not any(other != path and path[: len(other)] == other for other in fields)
    }


@given(FIELDS.map(_prefix_free), st.data())
def test_nested_flat_and_mixed_names_read_the_same(fields: dict[tuple[str, ...], Json], data: "st.DataObject") -> None:
    flat = {".".join(path): value for path, value in fields.items()}
    forms = [flat, _nested(fields), _nested(fields, data)]
    for path in flat:
        expected = flatten(flat).get(path, [])
        assert [read(form, path) for form in forms] == [expected] * 3
        assert len({first_text(form, path) for form in forms}) == 1
    assert all(_sorted(flatten(form)) == _sorted(flatten(flat)) for form in forms)


def _sorted(fields: dict[str, list[Any]]) -> list[tuple[str, str]]:
    return sorted((path, repr(values)) for path, values in fields.items())


@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)))
def test_what_walk_yields_is_what_read_finds(value: Json) -> None:
    event: dict[str, Json] = {"x": value}
    for path, values in flatten(event).items():
        found = read(event, path)
        assert all(any(one is scalar or one == scalar for scalar in found) for one in values)


def test_arrays_of_objects_are_entered() -> None:
    event: dict[str, Json] = {"a": [{"b": 1}, {"b": [2, {"c": 3}]}, 4], "a.b": 5}
    assert read(event, "a.b") == [5, 1, 2, 3] or sorted(read(event, "a.b"), key=str) == [1, 2, 3, 5]
    assert read(event, "a.b.c") == [3]
    assert list(walk({"a": []})) == []


def test_a_null_is_no_text_and_the_next_value_counts() -> None:
    assert first_text({"a": [None, True, 1]}, "a") == "true"
    assert first_text({"a": None}, "a") is None
    assert first_text({}, "a.b.c") is None


def test_scalars_are_compared_as_json_spells_them() -> None:
    assert [text(value) for value in (True, False, None, 1, 1.5, "x")] == ["true", "false", "", "1", "1.5", "x"]


@given(st.text(alphabet=".a", max_size=40))
def test_any_path_is_read_in_good_time(path: str) -> None:
    assert isinstance(read({"": {"": {"a": 1}}, "a": [{"a": {".": 2}}]}, path), list)
