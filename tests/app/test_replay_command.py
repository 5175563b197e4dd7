"""``impetus replay``: what it prints, in which order it reads, and how it ends."""

import json
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

import pytest
from command import DAY, OSLO, Done, impetus, impetus_here

EVENTS = OSLO / "events.ndjson"
INCIDENT = {
    "id": str, "title": str, "kind": str, "severity": str, "status": str, "opened": str, "updated": str,
    "revision": int, "domains": list, "zones": list, "events": list, "alerts": list, "linked": list,
    "contested": list, "risk": dict,
}  # fmt: skip
ALERT = {"id": str, "rule": str, "title": str, "level": str, "at": str, "events": list, "absent": list}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, list[Any]]:
    ledger = tmp_path_factory.mktemp("day") / "ledger.ndjson"
    done = impetus("replay", "--json", "--ledger", ledger, *DAY, EVENTS)
    return done, [json.loads(line) for line in ledger.read_text().splitlines()]


def by_event(done: Done, event: str) -> Any:
    (found,) = [incident for incident in done.objects if event in incident["events"]]
    return found


def test_an_incident_is_one_object_with_the_documented_keys(day: tuple[Done, list[Any]]) -> None:
    done, _ = day
    assert (done.status, done.err) == (0, "")
    for incident in done.objects:
        assert {key: type(value) for key, value in incident.items()} == INCIDENT
        assert set(incident["risk"]) == {"score", "terms"}
        assert all(set(term) == {"name", "points"} for term in incident["risk"]["terms"])
        for alert in incident["alerts"]:
            assert set(alert) == {*ALERT, "place"}
            assert {key: type(alert[key]) for key in ALERT} == ALERT
            assert alert["place"] in ("certain", "possible", None)
            assert set(alert["events"]) <= set(incident["events"])


def test_the_oldest_incident_comes_first(day: tuple[Done, list[Any]]) -> None:
    opened = [incident["opened"] for incident in day[0].objects]
    assert opened == sorted(opened)


def test_the_day_has_its_three_incidents(day: tuple[Done, list[Any]]) -> None:
    done, _ = day
    severities = {event: by_event(done, event)["severity"] for event in ("O-M04", "O-M13", "O-M17")}
    assert severities == {"O-M04": "critical", "O-M13": "critical", "O-M17": "medium"}
    assert by_event(done, "O-M17")["linked"] == [by_event(done, "O-M04")["id"]]


def test_the_ledger_says_what_the_plan_explained(day: tuple[Done, list[Any]]) -> None:
    _, ledger = day
    assert all(set(line) == {"event", "rule", "plan", "entry", "reason"} for line in ledger)
    assert {line["entry"] for line in ledger} == {"salute", "guard"}
    assert len({line["event"] for line in ledger}) == 22


def test_without_the_plan_there_are_two_more(day: tuple[Done, list[Any]]) -> None:
    without = impetus("replay", "--json", *DAY[:2], EVENTS)
    incidents = [one for one in without.objects if one["kind"] == "incident"]
    assert len(incidents) == len([one for one in day[0].objects if one["kind"] == "incident"]) + 2


@pytest.mark.parametrize("order", ["file", "time", "arrival"])
def test_the_order_of_reading_changes_nothing(day: tuple[Done, list[Any]], order: str) -> None:
    def end(done: Done) -> list[Any]:
        kept = ("id", "severity", "kind", "events", "zones", "linked", "risk")
        rows = [{key: incident[key] for key in kept} for incident in done.objects]
        alerts = [sorted((alert["id"], *alert["events"]) for alert in one["alerts"]) for one in done.objects]
        return [rows, alerts]

    assert end(impetus("replay", "--json", "--order", order, *DAY, EVENTS)) == end(day[0])


def test_standard_input_and_several_files_are_the_same_day(day: tuple[Done, list[Any]], tmp_path: Path) -> None:
    assert impetus("replay", "--json", *DAY, "-", stdin=EVENTS.read_bytes()).out == day[0].out
    lines = EVENTS.read_bytes().splitlines(keepends=True)
    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    first.write_bytes(b"".join(lines[::2]))
    second.write_bytes(b"".join(lines[1::2]))
    assert impetus("replay", "--json", *DAY, first, second).out == day[0].out
    first.write_bytes(BOM_UTF8 + first.read_bytes())
    second.write_bytes(BOM_UTF8 + second.read_bytes())
    done = impetus("replay", "--json", *DAY, first, second)
    assert (done.out, done.err) == (day[0].out, "")


def test_a_malformed_line_is_named_counted_and_skipped(day: tuple[Done, list[Any]], tmp_path: Path) -> None:
    file = tmp_path / "day.ndjson"
    lines = EVENTS.read_bytes().splitlines(keepends=True)
    deep = b'{"@timestamp": "2027-05-17T10:00:00Z", "event": {"id": "x"}, "a": ' + b"[" * 5000 + b"\n"
    bad = [b"no json\n", b"\n", b'{"event": {"id": "x"}}\n', b"\xff\xfe\n", b"[1]\n", deep]
    file.write_bytes(b"".join([*lines[:5], *bad, *lines[5:]]))
    done = impetus("replay", "--json", *DAY, file)
    assert (done.status, done.out) == (0, day[0].out)
    said = done.err.splitlines()
    assert [f"{file}:{number}:" in line for number, line in zip((6, 8, 9, 10, 11), said, strict=True)] == [True] * 5
    assert "5 records skipped" in impetus("replay", *DAY, file).out


def test_a_strict_replay_ends_there(tmp_path: Path) -> None:
    file = tmp_path / "day.ndjson"
    file.write_bytes(EVENTS.read_bytes() + b"{]\n")
    done = impetus("replay", "--strict", "--json", *DAY, file)
    assert (done.status, done.out) == (2, "")
    assert f"{file}:{len(EVENTS.read_bytes().splitlines()) + 1}: " in done.err
    assert "[event.malformed]" in done.err


def test_nothing_in_gives_nothing_out() -> None:
    done = impetus("replay", "--json", "-")
    assert (done.status, done.out, done.err) == (0, "", "")


def test_own_rules_take_the_place_of_the_shipped(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text(
        "title: Anything masked\nid: 0a5d0c0e-0000-4000-8000-0000000000aa\nstatus: test\nlevel: medium\n"
        "logsource: {product: vms, category: audit}\ndetection: {s: {event.action: mask-changed}, condition: s}\n"
    )
    done = impetus("replay", "--json", "--rules", rule, EVENTS)
    assert {alert["title"] for incident in done.objects for alert in incident["alerts"]} == {"Anything masked"}


def test_a_rule_that_cannot_be_read_ends_it(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text("title: [\n")
    done = impetus("replay", "--rules", rule, EVENTS)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"impetus: {rule}")


@pytest.mark.parametrize("option", ["--city", "--plan"])
def test_an_unknown_key_of_model_or_plan_is_named_with_the_nearest(tmp_path: Path, option: str) -> None:
    source = OSLO / ("city.yml" if option == "--city" else "plan.yml")
    file = tmp_path / source.name
    file.write_text(source.read_text() + ("\nzonse: []\n" if option == "--city" else "\nphasse: []\n"))
    done = impetus("replay", option, file, EVENTS)
    assert done.status == 2
    assert f"impetus: {file}:{len(file.read_text().splitlines())}" in done.err
    assert "Did you mean" in done.err


def test_what_a_source_calls_itself_reaches_no_terminal_raw(tmp_path: Path) -> None:
    """A notice names the source, which is what a device wrote."""
    event = {"@timestamp": "2029-01-01T00:00:00Z", "event": {"created": "2027-01-01T00:00:00Z", "id": "1"}}
    event["event"]["provider"] = "\x1b[2J\u202e"  # type: ignore[index]
    file = tmp_path / "ahead.ndjson"
    file.write_text(json.dumps(event) + "\n")
    done = impetus_here("replay", file)
    assert "source ␛[2J⟨202E⟩" in done.err
    assert done.err.replace("\n", "").isprintable()


def test_a_ledger_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    done = impetus_here("replay", OSLO / "events.ndjson", "--ledger", tmp_path)
    assert done.status == 2
    assert done.err.splitlines()[-1].startswith(f"impetus: {tmp_path}: the ledger cannot be written: ")
