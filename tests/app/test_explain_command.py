"""``impetus rules explain``: the members on a small map, safe for every terminal."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from command import DAY, OSLO, Done, impetus, impetus_here

EVENTS = OSLO / "events.ndjson"
ROOF = "ouolxkvz3ldtlfrc5azrumhqhu"
BRAILLE = range(0x2801, 0x2900)


def explain(*arguments: str | Path, file: Path = EVENTS) -> Done:
    return impetus_here("rules", "explain", *arguments, *DAY, file)


def changed(folder: Path, **changes: Any) -> Path:
    """The day with other values in some events."""
    events = [json.loads(line) for line in EVENTS.read_text().splitlines()]
    for event in events:
        if change := changes.get(event["event"]["id"].replace("-", "_")):
            change(event)
    file = folder / "day.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


def is_drawn(text: str) -> bool:
    return any(ord(character) in BRAILLE for character in text)


def test_the_window_of_an_event_is_a_map_with_a_legend() -> None:
    done = explain("firearm_near_opened_roof", "--event", "O-M11")
    assert (done.status, done.err) == (0, "")
    assert is_drawn(done.out)
    assert "1  D-214 (O-M07)" in done.out
    assert "365 s before, 30 m N (give or take 30), certainly" in done.out
    assert "Z4 Universitetspl" in done.out
    assert "the circle is 200 m around the newest" in done.out
    assert re.search(r"^\|-+\| (1|2|5)0* m", done.out, re.MULTILINE)


def test_an_alert_is_drawn_by_its_id() -> None:
    done = explain(ROOF)
    assert f"alert {ROOF}, 3 events" in done.out
    assert [line[0] for line in done.out.splitlines() if line[1:3] == "  " and line[0].isdigit()] == ["1", "2", "3"]
    assert "the place holds certainly" in done.out


def test_the_map_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    for columns in ("40", "72"):
        monkeypatch.setenv("COLUMNS", columns)
        picture = [line for line in explain(ROOF).out.splitlines() if is_drawn(line)]
        widths.append(max(map(len, picture)))
        assert widths[-1] < int(columns)
    assert widths[0] < widths[1]


def test_what_missed_is_drawn_apart_from_the_members(tmp_path: Path) -> None:
    def far(event: Any) -> None:
        event["place"]["location"] = {"lat": 59.9165, "lon": 10.7288}

    done = explain("firearm_near_opened_roof", "--event", "O-M11", file=changed(tmp_path, O_M11=far, O_M12=far))
    head, _, tail = done.out.partition("no members, but the nearest to one:")
    assert "1  CAM-Z4-06 (O-M11)" in head
    assert "2  D-214 (O-M07)" in tail
    assert "360 m E" in tail
    assert "is over 200 m" in tail


def test_without_locations_it_is_a_list(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "title: Tagged\nid: 0a5d0c0e-0000-4000-8000-0000000000aa\nname: tagged\nstatus: test\nlevel: medium\n"
        "logsource: {product: vms, category: audit}\ndetection: {s: {event.action: '*'}, condition: s}\n---\n"
        "title: Twice\nid: 0a5d0c0e-0000-4000-8000-0000000000ab\nstatus: test\nlevel: medium\n"
        "correlation: {type: event_count, rules: [tagged], timespan: 1d, condition: {gte: 2}}\n"
    )

    def nowhere(event: Any) -> None:
        event.pop("place")
        event["device"] = {"id": "elsewhere"}

    file = changed(tmp_path, O_M06=nowhere, O_M08=nowhere)
    done = impetus_here("rules", "explain", "Twice", "--event", "O-M08", "--rules", rules, file)
    assert done.status == 0
    assert not is_drawn(done.out)
    assert "none of them has a location, so there is no map" in done.out
    assert "1  elsewhere (O-M06)" in done.out


def test_no_control_character_of_data_reaches_the_terminal(tmp_path: Path) -> None:
    def evil(event: Any) -> None:
        event["event"]["id"] = "O-M11\x1b]52;c;aGk=\x07\u202e\n"
        event["device"]["id"] = "\x1b[31mCAM\x9b"

    file = changed(tmp_path, O_M11=evil)
    city = tmp_path / "city.yml"
    city.write_text((OSLO / "city.yml").read_text().replace("Universitetsplassen", '"\\u001b[2J\\u202eX"'))
    for verb in ("why", "explain"):
        for question in (("--event", "O-M11\x1b]52;c;aGk=\x07\u202e\n"), ("--at", "2027-05-17T10:47:15+02:00")):
            done = impetus_here("rules", verb, "firearm_near_opened_roof", *question, "--city", city, file)
            assert done.status == 0
            lines = done.out.splitlines()
            assert not [line for line in lines if not line.isprintable()]


def test_a_terminal_without_unicode_gets_plain_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:replace")
    done = impetus("rules", "explain", ROOF, *DAY, EVENTS)
    assert done.status == 0
    assert "?" not in "".join(line for line in done.out.splitlines() if line.strip(". 123|-") == "")
    assert "....." in done.out.replace(" ", "")


def test_as_json_each_member_has_distance_and_bearing() -> None:
    (said,) = explain("firearm_near_opened_roof", "--event", "O-M11", "--json").objects
    door, shot = said["members"]
    assert (said["newest"], said["limit"], said["certainty"]) == ("O-M11", 200, "certain")
    assert (door["metres"], door["bearing"]) == (30.0, "N")
    assert "metres" not in shot


def test_where_no_window_is_there_the_answer_is_in_words() -> None:
    done = explain("firearm_near_opened_roof", "--event", "O-B03")
    assert done.status == 0
    assert "matched none of the rules" in done.out


def test_an_unknown_alert_is_one_line() -> None:
    done = explain("nothing")
    assert (done.status, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert "--event or --at" in done.err
