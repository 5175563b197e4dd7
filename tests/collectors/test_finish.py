"""What every event has in the end, whatever its source left out."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keeping_intake import NOW

from collectors.draft import Draft
from collectors.normalise import load_normaliser, native
from collectors.normalise.field import nest, put_field, read_field
from collectors.normalise.finish import MAX_ORIGINAL, finish
from collectors.recording import Source
from impetus.domain.errors import ImpetusError
from impetus.domain.event import MAX_BYTES, MAX_DEPTH

STAMP = "2027-05-17T10:00:00+02:00"
WHOLE = b'{"@timestamp":"2027-05-17T10:00:00Z","event":{"id":"x","created":"2027-05-17T10:00:01Z","provider":"p"}}'


def draft(source=None, format=native.normalise):
    return Draft("door", source or Source(), format, lambda: NOW)


def take(*raws: bytes, source=None, format=native.normalise):
    made = draft(source, format)
    for number, raw in enumerate(raws):
        made.add_json(raw, b"%d" % number, f"file:{number}")
    return made.batch()


def only(batch):
    assert not batch.rejects
    (line,) = batch.lines
    return json.loads(line)


def complete(event, **more):
    arguments = {"provider": "door", "original": b"raw", "now": NOW, "identity": b"1", **more}
    return json.loads(finish(event, **arguments))


def test_a_whole_event_passes_byte_for_byte():
    spaced = WHOLE.replace(b",", b" , ")
    assert take(WHOLE, spaced).lines == (WHOLE, spaced)


def test_what_is_missing_is_added():
    event = only(take(b'{"@timestamp":"2027-05-17T10:00:00Z"}'))
    assert event["event"]["created"] == "2027-01-15T08:00:00Z"
    assert event["event"]["provider"] == "door"
    assert event["event"]["id"]
    assert "original" not in event["event"]


def test_flat_names_are_as_good_as_nested_ones():
    event = only(take(b'{"@timestamp":"2027-05-17T10:00:00Z","event.id":"x","event.provider":"p"}'))
    assert (event["event.id"], event["event.provider"]) == ("x", "p")
    assert "id" not in event.get("event", {})


def test_the_id_is_made_of_content_and_place_and_not_of_arrival():
    first = complete({"@timestamp": STAMP})["event"]["id"]
    assert complete({"@timestamp": STAMP}, now=NOW + 5)["event"]["id"] == first
    assert complete({"@timestamp": STAMP}, identity=b"2")["event"]["id"] != first
    assert complete({"@timestamp": STAMP}, original=b"other")["event"]["id"] != first
    assert complete({"@timestamp": STAMP}, provider="gate")["event"]["id"] != first


def test_a_number_as_id_becomes_text():
    assert complete({"@timestamp": STAMP, "event": {"id": 7}})["event"]["id"] == "7"


def test_the_original_is_kept_where_the_normaliser_changed_it_and_bounded():
    assert complete({"@timestamp": STAMP})["event"]["original"] == "raw"
    assert len(complete({"@timestamp": STAMP}, original=b"x" * 10**6)["event"]["original"]) == MAX_ORIGINAL
    assert "original" not in complete({"@timestamp": STAMP}, changed=False)["event"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"@timestamp": "yesterday"},
        {"@timestamp": "2027-05-17T10:00:00"},
        {"@timestamp": 1800000000},
        {"@timestamp": STAMP, "event": {"created": "soon"}},
        {"@timestamp": STAMP, "event": {"id": ""}},
        {"@timestamp": STAMP, "event": {"id": "x" * 300}},
        {"@timestamp": STAMP, "event": {"provider": ["a"]}},
        {"@timestamp": STAMP, "message": "x" * (MAX_BYTES + 1)},
    ],
)
def test_what_cannot_be_an_event_is_refused_on_either_way(event):
    with pytest.raises(ImpetusError) as error:
        complete(dict(event))
    assert error.value.code == "event.malformed"
    batch = take(msgspec.json.encode(event))
    assert (batch.lines, [reject.code for reject in batch.rejects]) == ((), ["event.malformed"])


def test_deep_nesting_is_refused_and_many_brackets_are_not():
    deep = WHOLE[:-1] + b',"a":' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}"
    wide = WHOLE[:-1] + b',"a":[' + b",".join([b"[]"] * 100) + b"]}"
    batch = take(deep, wide)
    assert batch.lines == (wide,)
    assert batch.rejects[0].what == f"the event is nested deeper than {MAX_DEPTH}"


def test_a_recording_keeps_its_own_arrival():
    event = only(take(b'{"@timestamp":"2020-01-01T00:00:00Z"}', source=Source(recorded=True)))
    assert event["event"]["created"] == "2020-01-01T00:00:00Z"


def test_a_recording_is_moved_as_a_whole():
    made = draft(Source(recorded=True, starts_at="2027-05-17T10:00:00Z"))
    made.add_json(b'{"@timestamp":"2020-01-01T00:00:00Z","event":{"end":"2020-01-01T00:00:30Z"}}', b"1", "")
    made.add_json(b'{"@timestamp":"2020-01-01T00:01:00Z","event":{"created":"2020-01-01T00:01:05Z"}}', b"2", "")
    first, second = map(json.loads, made.batch().lines)
    assert (first["@timestamp"], first["event"]["end"]) == ("2027-05-17T10:00:00Z", "2027-05-17T10:00:30Z")
    assert (second["@timestamp"], second["event"]["created"]) == ("2027-05-17T10:01:00Z", "2027-05-17T10:01:05Z")


def test_a_start_that_is_no_time_is_a_settings_error():
    with pytest.raises(ImpetusError) as error:
        draft(Source(starts_at="noon"))
    assert error.value.code == "settings.invalid"


def test_a_mistake_of_a_normaliser_costs_one_record():
    def fail(record):
        raise ZeroDivisionError

    batch = take(WHOLE, format=fail)
    assert [reject.code for reject in batch.rejects] == ["source.record"]


def test_a_record_may_become_several_events_with_ids_of_their_own():
    batch = take(b"{}", format=lambda record: [{"@timestamp": STAMP}, {"@timestamp": STAMP}])
    assert len({json.loads(line)["event"]["id"] for line in batch.lines}) == 2


def test_line_breaks_inside_a_record_are_gone_from_the_line():
    (line,) = take(WHOLE.replace(b",", b",\n")).lines
    assert b"\n" not in line


def test_an_unknown_normaliser_is_named_with_the_nearest():
    with pytest.raises(ImpetusError) as error:
        load_normaliser("frigat")
    assert (error.value.code, error.value.hint) == ("plugin.unknown", "Did you mean 'frigate'?")


@given(st.binary(max_size=400) | st.binary(max_size=40).map(lambda tail: WHOLE[:-1] + b"," + tail + b"}"))
def test_any_bytes_become_one_event_or_one_reject(raw):
    batch = take(raw)
    assert len(batch.lines) + len(batch.rejects) == 1
    for line in batch.lines:
        event = json.loads(line)
        assert event["@timestamp"]
        assert read_field(event, "event.id")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["event", "id", "event.id", "created",
        "event.created", "@timestamp", "provider", "a.b", "a"]) | st.text(max_size=4), inner, max_size=4),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["event", "event.id", "a"]), JSON))
def test_any_object_becomes_one_event_or_one_reject(record):
    batch = take(json.dumps({"@timestamp": STAMP, **record}).encode())
    assert len(batch.lines) + len(batch.rejects) == 1


@given(st.dictionaries(st.from_regex(r"[a-c]\.[a-c]\.[a-c]", fullmatch=True), st.integers(), max_size=6))
def test_what_is_nested_can_be_read_by_its_path(fields):
    event = nest(fields)
    assert all(read_field(event, path) == value for path, value in fields.items())
    put_field(event, "a.b.c", "new")
    assert read_field(event, "a.b.c") == "new"


def test_a_field_below_a_scalar_is_set_flat():
    event = {"event": "started"}
    put_field(event, "event.id", "x")
    assert event == {"event": "started", "event.id": "x"}
    assert read_field(event, "event.id") == "x"
