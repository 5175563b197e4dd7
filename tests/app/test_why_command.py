"""``impetus rules why``: over recorded events, in words and as JSON."""

import json
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import pytest
from command import DAY, OSLO, Done, impetus_here

EVENTS = OSLO / "events.ndjson"
FAR = {"lat": 59.9165, "lon": 10.7288}


def lines_of(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def written(folder: Path, events: list[Any]) -> Path:
    file = folder / "day.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


def why(*arguments: str | Path, files: tuple[Path, ...] = (EVENTS,)) -> Done:
    return impetus_here("rules", "why", *arguments, *DAY, *files)


def asked(*arguments: str | Path, files: tuple[Path, ...] = (EVENTS,)) -> Any:
    done = why(*arguments, "--json", files=files)
    assert (done.status, done.err) == (0, "")
    (answer,) = done.objects
    return answer


def leaves(condition: Any) -> dict[str, Any]:
    if "of" not in condition:
        return {condition["field"]: condition}
    return {field: leaf for inner in condition["of"] for field, leaf in leaves(inner).items()}


# --- single events


def test_a_rule_that_fired_shows_each_clause_with_the_value_that_it_met() -> None:
    answer = asked("firearm_detected", "--event", "O-M11")
    assert answer["fired"]
    (event,) = answer["events"]
    assert event["held"]
    met = {field: (leaf["expected"], leaf["met"], leaf["held"]) for field, leaf in leaves(event["condition"]).items()}
    assert met == {
        "event.action": ('"firearm"', "firearm", True),
        "weapon.score": ("≥ 0.6", "0.71", True),
        "weapon.frames": ("≥ 2", "3", True),
    }


def test_a_byte_order_mark_hides_no_event(tmp_path: Path) -> None:
    marked = tmp_path / "marked.ndjson"
    marked.write_bytes(BOM_UTF8 + EVENTS.read_bytes())
    first = lines_of(EVENTS)[0]["event"]["id"]
    done = why("firearm_detected", "--event", first, files=(marked,))
    assert (done.status, done.err) == (0, "")
    assert done.out == why("firearm_detected", "--event", first).out


def test_one_that_did_not_shows_which_clause_missed() -> None:
    done = why("impulse_detected", "--event", "O-B03")
    assert done.status == 0
    assert "it did not fire: 1 clause does not hold" in done.out
    assert "✗ sound.score ≥ 0.7; met 0.35" in done.out
    assert "✓ event.action" in done.out


def test_another_log_source_is_said_part_by_part() -> None:
    (event,) = asked("firearm_detected", "--event", "O-M07")["events"]
    fits = {part["part"]: (part["wanted"], part["met"], part["fits"]) for part in event["source"]}
    assert fits["product"] == ("city", ["city"], True)
    assert fits["category"] == ("video_analytics", ["access_control"], False)
    assert leaves(event["condition"])["weapon.score"].get("met") is None


def test_a_field_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    events = lines_of(EVENTS)
    shot = next(event for event in events if event["event"]["id"] == "O-M11")
    shot["weapon"]["scores"] = shot["weapon"].pop("score")
    done = why("firearm_detected", "--event", "O-M11", files=(written(tmp_path, events),))
    assert "the event has no such field; nearest name: weapon.scores" in done.out


def test_what_the_plan_explains_says_the_entry_and_what_it_does_not_says_why() -> None:
    explained = asked("firearm_detected", "--event", "O-B11")
    assert not explained["fired"]
    assert explained["events"][0]["plan"] == [
        {
            "entry": "guard",
            "reason": "King's Guard and bands with ceremonial arms on the parade route",
            "explained": True,
            "why": "it fits in time and place",
        }
    ]
    (entry,) = asked("firearm_detected", "--event", "O-M11")["events"][0]["plan"]
    assert (entry["explained"], entry["why"]) == (False, "zone Z4 is not Z1 or Z3 or Z5 or Z7")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"@timestamp": "2027-05-17T12:00:47+02:00"}, "off its spacing"),
        ({"@timestamp": "2027-05-17T12:10:00+02:00"}, "past its end"),
        ({"@timestamp": "2027-05-17T12:01:45+02:00"}, "beyond its number: 21 are expected"),
        ({"@timestamp": "2027-05-17T12:00:47+02:00", "place": {"location": FAR}}, "from its middle is over 400 m"),
    ],
)
def test_a_shot_that_is_not_of_the_salute_says_why(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    events = lines_of(EVENTS)
    shot = json.loads(json.dumps(next(event for event in events if event["event"]["id"] == "O-B12.05")))
    shot |= change
    shot["event"] |= {"id": "EXTRA", "created": change["@timestamp"]}
    answer = asked("impulse_detected", "--event", "EXTRA", files=(written(tmp_path, [*events, shot]),))
    (entry,) = answer["events"][0]["plan"]
    assert said in entry["why"]
    assert answer["fired"]


def test_an_alert_nearby_takes_an_explanation_back_and_is_named(tmp_path: Path) -> None:
    events = lines_of(EVENTS)
    guard = next(event for event in events if event["event"]["id"] == "O-B11")
    other = json.loads(json.dumps(next(event for event in events if event["event"]["id"] == "O-B12.05")))
    other["@timestamp"] = guard["@timestamp"]
    other["event"] |= {"id": "EXTRA", "created": guard["event"]["created"]}
    other["place"] = guard["place"]
    answer = asked("firearm_detected", "--event", "O-B11", files=(written(tmp_path, [*events, other]),))
    (entry,) = answer["events"][0]["plan"]
    assert not entry["explained"]
    assert "is near it and takes the explanation back" in entry["why"]


def test_what_only_counts_in_correlations_says_which_silence_it() -> None:
    answer = asked("patrol_tag", "--event", "O-G003")
    assert "raises no alert of its own" in answer["outcome"]
    assert "Opened roof door that no patrol checked" in answer["events"][0]["notes"][0]


def test_a_time_shows_the_events_around_it_the_nearest_miss_first() -> None:
    answer = asked("impulse_detected", "--at", "2027-05-17T09:21:00+02:00")
    assert not answer["fired"]
    assert answer["events"][0]["event"] == "O-B03"
    assert answer["events"][0]["misses"] == 1
    none = asked("impulse_detected", "--at", "2027-05-17T10:47:40+02:00")
    assert "events within 15 min of that time is of its log source" in none["outcome"]


def test_late_and_doubled_events_say_so(tmp_path: Path) -> None:
    events = lines_of(EVENTS)
    door = next(event for event in events if event["event"]["id"] == "O-M07")
    late = json.loads(json.dumps(door))
    late["event"]["created"] = "2027-05-17T11:59:00+02:00"
    rest = [event for event in events if event is not door]
    after = {"@timestamp": "2027-05-17T11:43:59+02:00", "event": {"id": "after", "provider": "x"}}
    file = written(tmp_path, [*rest, after, late, late])
    (event,) = asked("roof_door_opened", "--event", "O-M07", files=(file,))["events"]
    assert any("too late for windows" in note for note in event["notes"])
    assert any("delivered 2 times" in note for note in event["notes"])
    answer = asked("roof_door_unchecked", "--event", "O-M07", files=(file,))
    assert "it came too late for windows" in answer["notes"]


# --- correlations


def test_a_correlation_that_fired_shows_its_members_and_how_they_stand() -> None:
    answer = asked("firearm_near_opened_roof", "--event", "O-M11")
    (window,) = answer["windows"]
    assert (answer["fired"], window["certainty"]) == (True, "certain")
    door, shot = window["members"]
    assert [part["text"] for part in door["relations"]] == ["365 s holds", "30 m (0 to 60) holds certainly"]
    assert (shot["event"], window["alert"]) == ("O-M11", "ouolxkvz3ldtlfrc5azrumhqhu")


def test_a_firearm_400_metres_away_says_by_how_much_the_door_misses(tmp_path: Path) -> None:
    events = lines_of(EVENTS)
    for event in events:
        if event["event"]["id"] in {"O-M11", "O-M12"}:
            event["place"]["location"] = FAR
    file = written(tmp_path, events)
    done = why("firearm_near_opened_roof", "--event", "O-M11", files=(file,))
    assert "its window holds no 'Roof door opened" in done.out
    assert "✗ D-214 (O-M07): 365 s holds, 360 m (330 to 390) is over 200 m" in done.out
    blind = asked("firearm_near_blinded_camera", "--event", "O-M11", files=(file,))["windows"][0]
    assert [one["event"] for one in blind["candidates"][:2]] == ["O-M09", "O-M08"]
    held = {requirement["text"]: requirement["held"] for requirement in blind["requirements"]}
    assert held["'Firearm seen by a camera' is in the window"]
    assert not held["'Camera shows nothing' is not in the window"]


@pytest.mark.parametrize(
    ("clock", "fired", "state"),
    [
        ("10:45:09", False, "came"),
        ("10:45:10", False, "came"),
        ("10:45:11", True, "absent"),
        ("10:41:09", True, "absent"),
    ],
)
def test_a_patrol_within_the_wait_is_what_kept_the_absence_from_firing(
    clock: str, fired: bool, state: str, tmp_path: Path
) -> None:
    events = lines_of(EVENTS)
    tag = json.loads(json.dumps(next(event for event in events if event["event"]["id"] == "O-G003")))
    tag["@timestamp"] = f"2027-05-17T{clock}+02:00"
    tag["event"] |= {"id": "TAG", "created": tag["@timestamp"]}
    file = written(tmp_path, [*events, tag])
    for question in (("--event", "O-M07"), ("--at", "2027-05-17T10:45:10+02:00")):
        answer = asked("roof_door_unchecked", *question, files=(file,))
        absence = answer["windows"][0]["absence"]
        assert (answer["fired"], absence["state"]) == (fired, state)
        assert absence["until"] == "2027-05-17T08:45:10Z"
        assert [one["event"] for one in absence.get("came", [])] == ([] if fired else ["TAG"])
    if not fired:
        (note,) = asked("roof_door_unchecked", "--event", "TAG", files=(file,))["notes"]
        assert "awaited to stay away" in note


def test_an_order_that_failed_is_named(tmp_path: Path) -> None:
    events = lines_of(EVENTS)
    for event in events:
        if event["event"]["id"] == "O-M14":
            event["@timestamp"] = "2027-05-17T10:51:30+02:00"
    answer = asked("closed_street_opened", "--event", "O-M16", files=(written(tmp_path, events),))
    assert not answer["fired"]
    texts = [one["text"] for one in answer["windows"][0]["requirements"] if not one["held"]]
    assert any("came 30 s before" in text and "has to come after it" in text for text in texts)


def test_another_badge_is_a_candidate_that_misses_the_group_and_nobody_is_named(tmp_path: Path) -> None:
    events = lines_of(EVENTS)
    first = next(event for event in events if event["event"]["id"] == "O-B01")
    second = json.loads(json.dumps(first))
    second["@timestamp"] = "2027-05-17T08:15:30+02:00"
    second["event"] |= {"id": "OTHER", "created": "2027-05-17T08:17:02+02:00"}
    second["badge"]["id"] = "B-9999"
    second["place"]["location"] = {"lat": 59.9300, "lon": 10.7800}
    file = written(tmp_path, [*events, second])
    for form in ((), ("--json",)):
        done = why("badge_impossible_travel", "--event", "OTHER", *form, files=(file,))
        assert done.status == 0
        assert "B-2210" not in done.out
        assert "B-9999" not in done.out
        assert "instead of badge#" in done.out
    answer = asked("badge_impossible_travel", "--event", "OTHER", files=(file,))
    (window,) = answer["windows"]
    assert window["group"][0][0] == "badge.id"
    assert window["requirements"] == [{"held": False, "text": "1 events, ≥ 2 asked"}]
    near = next(one for one in window["candidates"] if one["event"] == "O-B01")
    assert [part["what"] for part in near["relations"] if not part["holds"]] == ["group"]


@pytest.mark.parametrize(
    ("selection", "said", "unsaid"),
    [
        ("badge.id|exists: true", "✓ badge.id is present; met badge#", "no such field"),
        ("badge.id|exists: false", "✗ badge.id is absent; met badge#", "no such field"),
        ("user.full_name: null", "✓ user.full_name is null or absent; the event has no such field", "user#"),
        ("user.name|fieldref: user.target.name", "✓ user.name equals the field user.target.name; met user#", "absent"),
        ("user.name: ann", '✓ user.name is "user#', "absent"),
        ("user.id|gte: 1000", "✓ user.id ≥ 1000; met user#", "1001"),
        ("user.id: 1001", "✓ user.id = user#", "1001"),
    ],
)
def test_of_personal_fields_the_values_are_masked_and_nothing_else(
    selection: str, said: str, unsaid: str, tmp_path: Path
) -> None:
    source = {"product": "city", "category": "access_control"}
    user = {"name": "ann", "id": 1001, "target": {"name": "ann"}}
    event = {"@timestamp": "2027-04-03T10:00:00Z", "event": {"id": "M1"}, "logsource": source,
             "badge": {"id": "B-7"}, "user": user}  # fmt: skip
    rule = tmp_path / "rule.yml"
    rule.write_text(
        "title: Personal\nid: 00000000-0000-4000-8000-000000000201\nlevel: medium\n"
        "logsource: {product: city, category: access_control}\n"
        f"detection: {{s: {{{selection}}}, condition: s}}\n"
    )
    asking = ("rules", "why", "Personal", "--event", "M1", "--rules", rule, written(tmp_path, [event]))
    for form in ((), ("--json",)):
        done = impetus_here(*asking, *form)
        assert done.status == 0, done.err
        assert "ann" not in done.out
        assert "B-7" not in done.out
    done = impetus_here(*asking)
    assert said in done.out
    assert unsaid not in done.out


def test_an_event_that_matched_no_rule_of_it_says_what_kept_it() -> None:
    answer = asked("firearm_and_impulse", "--event", "O-B03")
    assert "matched none of the rules" in answer["outcome"]
    impulse = next(one for one in answer["events"] if one["source_fits"])
    assert impulse["misses"] == 1


def test_only_the_nearest_are_named_unless_all_are_asked_for() -> None:
    few = asked("impulse_several_sensors", "--event", "O-B12.21")["windows"][0]["candidates"]
    every = asked("impulse_several_sensors", "--event", "O-B12.21", "--all")["windows"][0]["candidates"]
    assert len(few) == 5
    assert len(every) > 5
    assert every[:5] == few


# --- what cannot be answered


def test_an_unknown_rule_names_the_nearest() -> None:
    done = why("firearm_detectd", "--event", "O-M11")
    assert (done.status, done.out) == (2, "")
    assert "[rule.unknown]" in done.err
    assert "firearm_detected" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--event", "NONE"), "event.unknown"),
        (("--at", "yesterday"), "query.invalid"),
        (("--at", "2027"), "query.invalid"),
    ],
)
def test_an_unknown_event_or_time_is_one_line(arguments: tuple[str, ...], code: str) -> None:
    done = why("firearm_detected", *arguments)
    assert (done.status, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert f"[{code}]" in done.err


def test_input_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    done = why("firearm_detected", "--event", "X", files=(tmp_path / "none.ndjson",))
    assert (done.status, done.out, len(done.err.splitlines())) == (2, "", 1)
    missing = impetus_here("rules", "why", "firearm_detected", "--event", "X", "--config", tmp_path / "none.toml")
    assert (missing.status, len(missing.err.splitlines())) == (2, 1)
