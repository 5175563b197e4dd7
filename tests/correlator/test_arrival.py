"""Arrivals: one line each, hostile or not; nothing but an ``ImpetusError`` comes out of a bad one."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.arrival import MAX_RECORD, _arrival, read_arrival, rejected
from impetus.domain.errors import ImpetusError
from impetus.domain.event import MAX_BYTES, MAX_DEPTH, Fields

STAMP = '"@timestamp":"2027-05-17T10:00:00Z"'
NOON = 1_810_548_000_000_000


def refused(line: bytes) -> ImpetusError:
    with pytest.raises(ImpetusError) as caught:
        read_arrival(line, "source")
    assert (caught.value.code, caught.value.where.file) == ("event.malformed", "source")
    return caught.value


def test_an_event_is_read_with_flat_or_nested_names() -> None:
    nested = {
        "@timestamp": "2027-05-17T12:00:00+02:00",
        "event": {"id": "e", "created": "2027-05-17T10:00:02Z", "provider": "p"},
    }
    flat = {
        "@timestamp": "2027-05-17T10:00:00Z",
        "event.id": "e",
        "event.created": "2027-05-17T10:00:02Z",
        "event.provider": "p",
    }
    for event in (nested, flat):
        found = read_arrival(json.dumps(event).encode(), "source")
        assert (found.id, found.source, found.time, found.created) == ("e", "p", NOON, NOON + 2_000_000)


def test_what_an_event_leaves_out_is_its_source_and_its_own_time() -> None:
    found = read_arrival(f'{{{STAMP},"event.id":1}}'.encode(), "source")
    assert (found.id, found.source, found.created) == ("1", "source", NOON)


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "1" * 5000,
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"a',
        "[1,]",
        "01",
        "nul",
        '"\t"',
    ],
    ids=lambda value: value[:12],
)
def test_a_value_that_is_no_json_is_refused(value: str) -> None:
    refused(f'{{{STAMP},"event.id":"e","x":{value}}}'.encode())


@pytest.mark.parametrize(
    "line",
    [b"", b" ", b"null", b"[]", b"1", b'"x"', b"{}", b"{", b"\xff", b'{"a":"\xff"}', b"\xef\xbb\xbf{}",
     b'{"@timestamp":"2027-05-17T10:00:00Z"}', b'{"event.id":"e"}', b'{"@timestamp":"today","event.id":"e"}',
     b'{"@timestamp":1810548000,"event.id":"e"}', b'{"@timestamp":"2027-05-17T10:00:00","event.id":"e"}',
     b'{"@timestamp":"9999-12-31T23:59:59-01:00","event.id":"e"}',
     b'{"@timestamp":"2027-05-17T10:00:00Z","event.id":""}', b'{"@timestamp":"2027-05-17T10:00:00Z","event.id":[null]}',
     b'{"@timestamp":"2027-05-17T10:00:00Z","event.id":"' + b"e" * 513 + b'"}',
     b'{"@timestamp":"2027-05-17T10:00:00Z","event.id":"e","event.created":"soon"}',
     b'{"@timestamp":"2027-05-17T10:00:00Z",\n"event.id":"e"}', b'{"@timestamp":"2027-05-17T10:00:00Z","event.id":"e"}{}'],  # noqa: E501
)  # fmt: skip
def test_a_line_that_is_no_event_is_refused(line: bytes) -> None:
    refused(line)


def test_a_number_beyond_64_bits_of_any_kind_is_refused() -> None:
    assert "number" in refused(f'{{{STAMP},"event.id":"e","x":{"9" * 400}}}'.encode()).what
    assert read_arrival(f'{{{STAMP},"event.id":"e","x":{"9" * 300}}}'.encode(), "s").id == "e"


@pytest.mark.parametrize("radius", ["1e999", "-1e999", "9" * 400, "Infinity", "NaN"], ids=lambda text: text[:8])
def test_no_event_has_a_radius_without_bounds(radius: str) -> None:
    """Windows take one for exact, so a place that is anywhere would be certain."""
    refused(f'{{{STAMP},"event.id":"e","place.location":{{"lat":1,"lon":2}},"place.radius":{radius}}}'.encode())


def test_of_a_key_that_is_there_twice_the_first_names_the_event() -> None:
    assert read_arrival(f'{{{STAMP},"event.id":"a","event.id":"b"}}'.encode(), "s").id == "a"


def test_size_and_depth_have_their_bounds() -> None:
    head = f'{{{STAMP},"event.id":"e","x":'.encode()
    fits = head + b'"' + b"x" * (MAX_BYTES - len(head) - 3) + b'"}'
    assert len(read_arrival(fits, "s").line) == MAX_BYTES
    assert "bytes" in refused(fits[:-2] + b'x"}').what
    read_arrival(head + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}", "s")
    assert "deep" in refused(head + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}").what
    assert "deep" in refused(head + b'{"a":' * 100_000 + b"1" + b"}" * 100_001).what


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_an_error_of_ours(line: bytes) -> None:
    refused(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
)
FIELDS = st.sampled_from(["@timestamp", "event", "event.id", "event.created", "event.provider", "x"])


@given(st.dictionaries(FIELDS, JSON | st.just("2027-05-17T10:00:00Z")))
def test_any_object_is_an_event_or_an_error_of_ours(event: dict[str, object]) -> None:
    try:
        found = read_arrival(json.dumps(event).encode(), "source")
    except ImpetusError as error:
        assert error.code == "event.malformed"
    else:
        assert found.id
        assert found.source


def test_a_reject_keeps_the_reason_and_the_start_of_the_record() -> None:
    found = rejected(b"x" * 9000, "mqtt", ImpetusError("event.malformed", "no JSON"))
    assert (found.source, found.code, found.what, found.record) == (
        "mqtt",
        "event.malformed",
        "no JSON",
        b"x" * MAX_RECORD,
    )


IDENTITY = ("@timestamp", "event.id", "event.created", "event.provider")
TIMES = st.sampled_from([
    "2027-05-17T10:00:00Z", "2027-05-17T10:00:00.5Z", "2027-05-17T10:00:00.123456Z", "2027-05-17T10:00:00.1234567Z",
    "2027-02-29T10:00:00Z", "2028-02-29T10:00:00.000Z", "2027-05-17T12:00:00+02:00", "2027-05-17t10:00:00z",
    "2016-12-31T23:59:60Z", "2027-05-17 10:00:00Z", "0000-01-01T00:00:00Z", "1900-03-01T00:00:00Z", "", "soon",
])  # fmt: skip
VALUES = TIMES | st.text(max_size=3) | st.lists(TIMES, max_size=2) | st.sampled_from([1, None, {}, "p"])


@given(st.dictionaries(st.sampled_from(IDENTITY), VALUES) | st.datetimes().map(lambda at: {"@timestamp": f"{at}Z"}))
def test_the_fast_way_reads_what_the_long_way_does(event: dict[str, object]) -> None:
    line = json.dumps({"event.id": "e"} | event).encode()
    fields = Fields(dict(_scalars(event | {"event.id": event.get("event.id", "e")})))
    try:
        long = _arrival(line, fields, "source")
    except ValueError:
        refused(line)
        return
    found = read_arrival(line, "source")
    assert (found.id, found.source, found.time, found.created) == (long.id, long.source, long.time, long.created)
    assert {name: found.event.get(name) for name in IDENTITY} == {name: fields.get(name) for name in IDENTITY}


def _scalars(event: dict[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in event.items():
        if isinstance(value, list) and len(value) == 1:
            yield name, value[0]
        elif value is not None:
            yield name, [] if value == {} else value
