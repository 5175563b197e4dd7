"""``impetus replay --store``: the log of an installation again, with what was in force at each place of it."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import Done, impetus, impetus_here
from service_day import Installation, Service, live, rules

KINDS = {"rules", "city", "plan", "limits", "clock", "promotion", "action"}


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def service(here: Installation) -> Iterator[Service]:
    one = Service(here.write(), here.store)
    yield one
    one.store.close()


def rerun(here: Installation, *arguments: str | Path) -> Done:
    return impetus_here("replay", "--store", "--config", here.config, *arguments)


@pytest.mark.parametrize("seed", range(4))
def test_a_rerun_of_the_log_comes_to_what_the_store_holds(here: Installation, service: Service, seed: int) -> None:
    live(service, here, seed)
    done = rerun(here, "--verify")
    assert (done.status, done.err.count("not in the log")) == (0, 0), (done.out, done.err)
    assert service.store.counts()["alerts"] > 10
    assert seed or {control.kind for _, control in service.store.controls()} >= KINDS
    assert done.out.endswith("the same as the store\n")


# --- what else is asked of it


@pytest.fixture
def hour(here: Installation, service: Service) -> Installation:
    """Two doors; between them another rule set comes into force, and the service goes on."""
    for _ in range(3):
        service.now += 10
        service.step(("doors", [service.door("D-3")]))
    service.now += 3600
    service.reload(here.write(doors=2))
    for _ in range(2):
        service.now += 10
        service.step(("doors", [service.door("D-3")]))
    return here


def titles(done: Done) -> list[list[str]]:
    assert done.status == 0, done.err
    return [[alert["title"] for alert in one["alerts"]] for one in done.objects]


def test_it_prints_what_a_replay_prints(hour: Installation) -> None:
    ledger = hour.folder / "ledger"
    done = rerun(hour, "--json", "--ledger", ledger)
    assert [sorted(set(one)) for one in titles(done)] == [["door", "doors", "unchecked"]]
    assert titles(done)[0].count("doors") == 2
    assert (done.err, ledger.read_text()) == ("", "")
    assert "door" in impetus_here("replay", "--store", hour.store).out


def test_new_rules_over_all_of_the_log_find_something_else(hour: Installation) -> None:
    new = hour.folder / "new.yml"
    new.write_text(rules(3, "high"))
    assert titles(rerun(hour, "--json", "--rules", new))[0].count("doors") == 1
    done = rerun(hour, "--verify", "--json", "--rules", new)
    assert done.status == 1
    assert ("alert", "doors", ["missing"]) in [(one["kind"], one["title"], one["what"]) for one in done.objects]
    city = hour.folder / "city.yml"
    assert rerun(hour, "--verify", "--city", city, "--plan", hour.folder / "plan.yml").status == 0


def test_a_part_of_the_log_begins_with_what_was_in_force_then(hour: Installation) -> None:
    late = titles(rerun(hour, "--json", "--since", "2027-05-17T13:00:00Z"))
    assert [one.count("doors") for one in late] == [1]
    early = titles(rerun(hour, "--json", "--until", "2027-05-17T12:00:15Z"))
    assert early == [["door"]]
    assert titles(rerun(hour, "--json", "--since", "2028-01-01T00:00:00Z")) == []


def test_a_service_that_runs_is_not_disturbed(hour: Installation, service: Service) -> None:
    before = service.store.counts(), service.store.cursor(), hour.store.read_bytes()
    assert rerun(hour, "--verify").status == 0
    assert (service.store.counts(), service.store.cursor(), hour.store.read_bytes()) == before
    service.step(("doors", [service.door("D-3")]))


def test_what_an_earlier_version_recorded_is_said_and_can_be_given(hour: Installation, service: Service) -> None:
    service.store.close()
    with sqlite3.connect(hour.store) as connection:
        (body,) = connection.execute("SELECT body FROM control WHERE kind = 'rules'").fetchone()
        form = json.dumps(json.loads(body)["form"]).encode()
        connection.execute("UPDATE control SET body = ? WHERE kind = 'rules'", (form,))
        connection.execute("DELETE FROM control WHERE kind = 'limits'")
    done = rerun(hour, "--verify")
    assert (done.status, "[log.control]" in done.err, "--rules" in done.err) == (2, True, True), done
    done = rerun(hour, "--json", "--rules", hour.folder / "rules.yml")
    assert (done.status, "lateness" in done.err) == (0, True), done


def test_actions_that_the_log_does_not_hold_are_said_and_left_out(hour: Installation, service: Service) -> None:
    (incident,) = service.incidents
    service.act("take", incident)
    assert rerun(hour, "--verify").err == ""
    with sqlite3.connect(hour.store) as connection:
        connection.execute("DELETE FROM control WHERE kind = 'action'")
    done = rerun(hour, "--verify")
    assert (done.status, "1 actions of people are not in the log" in done.err) == (0, True), done


@pytest.mark.parametrize(
    "arguments",
    [
        ("--store", "none.db"),
        ("--store", "impetus.db", "--verify", "--since", "2027-05-17T12:00:00Z"),
        ("--store", "impetus.db", "--since", "noon"),
        ("--verify", "events.ndjson"),
        (),
    ],
)
def test_what_cannot_be_asked_ends_with_2(hour: Installation, arguments: tuple[str, ...]) -> None:
    done = impetus("replay", *arguments, folder=hour.folder)
    assert (done.status, done.out) == (2, "")
    assert not (hour.folder / "none.db").exists()
