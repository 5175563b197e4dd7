"""Frigate's messages as its documentation has them, and its API's records."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keeping_intake import NOW

from collectors.draft import Draft
from collectors.normalise.frigate import normalise
from collectors.recording import Source
from impetus.domain.errors import ImpetusError

SEEN = {
    "id": "1607123955.475377-mxklsc", "camera": "front_door", "frame_time": 1607123961.837752, "label": "person",
    "sub_label": None, "top_score": 0.95, "start_time": 1607123955.475377, "end_time": None, "score": 0.79,
    "current_zones": ["driveway"], "entered_zones": ["yard", "driveway"], "stationary": False,
}  # fmt: skip


def message(kind, **more):
    after = {**SEEN, **more}
    return {"type": kind, "before": SEEN, "after": after}


def one(record):
    (event,) = normalise(record)
    return event


def test_a_new_object():
    event = one(message("new"))
    assert event["logsource"] == {"product": "city", "category": "video_analytics"}
    assert (event["city"]["domain"], event["event"]["action"]) == ("iot", "object-detected")
    assert (event["device"]["id"], event["device"]["kind"]) == ("front_door", "camera")
    assert event["object"] == {
        "id": SEEN["id"],
        "label": "person",
        "score": 0.79,
        "zones": ["driveway"],
        "stationary": False,
    }
    assert event["@timestamp"] == "2020-12-04T23:19:21.837752Z"


def test_updates_and_the_end_are_events_of_their_own_and_a_message_sent_again_is_not():
    sent = [message("new"), message("update", frame_time=1607123962.0), message("end", end_time=1607123970.0)]
    ids = [one(record)["event"]["id"] for record in [*sent, *sent]]
    assert len(set(ids)) == 3
    assert one(sent[2])["event"]["action"] == "object-gone"
    assert one(sent[2])["@timestamp"] == "2020-12-04T23:19:30Z"


def test_whose_face_it_is_stands_where_personal_data_is_known_to_be():
    event = one(message("update", sub_label=["John Smith", 0.79]))
    assert event["face"]["name"] == "John Smith"
    assert "sub_label" not in event["object"]
    assert one(message("update", label="car", sub_label="amazon"))["object"]["sub_label"] == "amazon"


def test_the_messages_of_the_documentation(shared):
    taken, refused = [], []
    text = (shared / "data/iot/frigate/mqtt.md").read_text()
    for block in re.findall(r"```json\n(.*?)```", text, re.S):
        record = json.loads(re.sub(r"\s//.*", "", block))
        try:
            taken.extend(event["event"]["action"] for event in normalise(record))
        except ImpetusError as error:
            refused.append(error.code)
    assert taken == ["object-updated", *["object-recognised"] * 4, "review-update"]
    assert refused == ["source.record"] * 2


def test_the_records_of_the_api(shared):
    records = json.loads((shared / "data/iot/frigate/events.json").read_text())
    events = [event for record in records for event in normalise(record)]
    assert [event["event"]["action"] for event in events] == ["object-detected", "object-gone"] * len(records)
    assert {event["object"]["label"] for event in events} == {"person", "car"}


@pytest.mark.parametrize("record", [{}, {"type": "new"}, {"type": "new", "after": {}}, message("odd"),
                                    message("new", frame_time="soon"), message("new", frame_time=1e300)])  # fmt: skip
def test_what_is_no_event_is_refused(record):
    with pytest.raises(ImpetusError) as error:
        one(record)
    assert error.value.code == "source.record"


VALUE = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)


@given(st.sampled_from(["new", "update", "end", "face", "lpr", "x"]), st.dictionaries(st.sampled_from(
    [*SEEN, "data", "severity", "timestamp"]), VALUE), st.booleans())  # fmt: skip
def test_any_message_is_events_or_one_reject(kind, fields, nested):
    draft = Draft("cameras", Source(), normalise, lambda: NOW)
    record = {"type": kind, "after": {**SEEN, **fields}} if nested else {"type": kind, **fields}
    draft.add(record, b"{}", b"", "")
    assert len(draft) >= 1
    assert not any("normaliser failed" in reject.what for reject in draft.batch().rejects)
