"""The commands against a running service, on the socket that only its owner can open."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import OSLO, Done, impetus_here

WINDOW = 60.0


class Running:
    """A service in a folder of its own, with the Oslo day read in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "impetus.toml"
        (folder / "day.ndjson").write_bytes((OSLO / "events.ndjson").read_bytes() + b"no event\n")
        self.config.write_text(
            f'[city]\nmodel = "{OSLO / "city.yml"}"\nplan = "{OSLO / "plan.yml"}"\n'
            '[health]\ndisk = 1.0\n[store]\npath = "data/impetus.db"\n'
            '[api]\nlisten = "unix:i.sock"\n[log]\nlevel = "warning"\n'
            '[[source]]\nname = "day"\nkind = "json_lines"\npath = "day.ndjson"\nrecorded = true\n'
        )
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "impetus.app", "run", "--config", str(self.config)]
        return subprocess.Popen(command, stderr=subprocess.PIPE)

    def __call__(self, command: str, *arguments: str) -> Done:
        return impetus_here(command, "--config", self.config, *arguments)

    def wait_for_the_day(self) -> None:
        deadline = time.monotonic() + WINDOW
        while "source day is finished" not in self("doctor").out:
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=WINDOW)
        assert self.process.returncode == 0, said
        return said.decode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("run"))
    try:
        running.wait_for_the_day()
        yield running
    finally:
        running.stop()


def incidents(running: Running, *arguments: str) -> list[dict[str, object]]:
    return running("incidents", "--json", "list", *arguments).objects


def test_the_socket_the_store_and_the_key_are_their_owners(running: Running) -> None:
    for name in ("i.sock", "data/impetus.key"):
        assert (running.folder / name).stat().st_mode & 0o077 == 0


def test_incidents_come_highest_risk_first(running: Running) -> None:
    found = incidents(running)
    assert len(found) >= 3
    assert found[0]["severity"] == "SEVERITY_CRITICAL"
    risks = [incident.get("risk_score", 0) for incident in found]
    assert risks == sorted(risks, reverse=True)
    assert len(running("incidents").out.splitlines()) == len(found)


def test_lists_are_narrowed(running: Running) -> None:
    assert incidents(running, "--status", "escalated") == []
    assert {zone for one in incidents(running, "--zone", "Z6") for zone in one["zones"]} == {"Z6"}  # type: ignore[attr-defined]
    assert len(incidents(running, "--limit", "1")) == 1


def test_an_incident_is_shown_with_its_reasons(running: Running) -> None:
    shown = running("incidents", "show", str(incidents(running)[0]["id"])).out
    assert "Firearm near a blinded camera" in shown
    assert "why: " in shown
    assert "risk +" in shown


def test_actions_are_recorded_and_can_be_undone(running: Running) -> None:
    incident = str(incidents(running)[-1]["id"])
    assert "taken by n.berg" in running("incidents", "take", incident, "--actor", "n.berg").out
    closed = running("incidents", "close", incident, "--actor", "n.berg", "--disposition", "benign", "--note", "drill")
    assert "closed" in closed.out
    record = running("incidents", "--json", "show", incident).objects[0]["incident"]["history"]
    assert [one["note"] for one in record if "note" in one] == ["drill"]
    undone = running("incidents", "undo", incident, record[-1]["id"], "--actor", "n.berg")
    assert "taken by n.berg" in undone.out
    assert "(undone)" in running("incidents", "show", incident).out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("incidents", "show", "inc-none"), "incident.unknown"),
        (("incidents", "take", "inc-none"), "incident.unknown"),
        (("events", "--since", "yesterday"), "query.invalid"),
        (("events", "--entity", "nonsense"), "query.invalid"),
    ],
)
def test_a_wrong_question_is_one_line(running: Running, arguments: tuple[str, ...], code: str) -> None:
    done = running(*arguments)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"[{code}]" in done.err


def test_an_action_that_does_not_apply_is_refused(running: Running) -> None:
    done = running("incidents", "reopen", str(incidents(running)[0]["id"]))
    assert done.status == 2
    assert "[action.refused]" in done.err


def test_events_are_found_by_entity_zone_time_and_id(running: Running) -> None:
    def ids(*arguments: str) -> set[str]:
        return {event["event"]["id"] for event in running("events", *arguments).objects}

    assert "O-M07" in ids("--entity", "device:D-214")
    assert ids("--id", "O-M13") == {"O-M13"}
    assert "O-M13" in ids("--zone", "Z6")
    morning = ("--since", "2027-05-17T10:52:00+02:00", "--until", "2027-05-17T10:53:00+02:00")
    assert {"O-M13", "O-M14"} <= ids(*morning)
    assert len(running("events", "--limit", "2").objects) == 2


def test_persons_are_masked_on_the_way_out(running: Running) -> None:
    said = running("events", "--limit", "1000").out + running("incidents", "--json").out
    raw = running("events", "--limit", "1000", "--raw").out
    assert "vms-svc-07" not in said + raw
    assert "user#" in said


def test_doctor_says_what_runs_and_what_was_refused(running: Running) -> None:
    done = running("doctor")
    assert done.status == 0
    assert "rules load" in done.out
    assert "records were rejected" in done.out
    assert "running: " in done.out


def test_what_was_found_and_done_is_there_after_a_restart(tmp_path: Path) -> None:
    running = Running(tmp_path)
    running.wait_for_the_day()
    first = str(incidents(running)[0]["id"])
    running("incidents", "take", first, "--actor", "n.berg")
    before = incidents(running)
    assert running.stop() == ""
    assert "nothing runs" in running("doctor").out
    running.process = running.start()
    try:
        running.wait_for_the_day()
        assert incidents(running) == before
        assert "owner" in json.dumps(before[0])
    finally:
        running.stop()


def test_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    config = tmp_path / "impetus.toml"
    config.write_text(
        '[[source]]\nname = "a"\nkind = "json_lines"\npath = "none"\n'
        '[[source]]\nname = "b"\nkind = "syslog"\nprot = 1\n'
    )
    done = impetus_here("doctor", "--config", config)
    assert done.status == 1
    assert "warning  source a: " in done.out
    assert "Did you mean 'port'?" in done.out
    assert "no city model" in done.out
