"""``impetus plan``: what is printed, and how it ends."""

import json
import shutil
from pathlib import Path

import pytest
from command import OSLO, impetus_here

from impetus.domain.instant import parse_instant

PLAN, CITY, DAY = OSLO / "plan.yml", OSLO / "city.yml", OSLO / "events.ndjson"


def test_the_plan_of_the_day_is_in_order_and_explains_nothing_wrongly() -> None:
    done = impetus_here("plan", "check", PLAN, "--city", CITY)
    assert (done.status, done.out) == (0, "0 errors, 0 warnings\n")
    tried = impetus_here("plan", "try", PLAN, DAY, "--city", CITY)
    assert tried.status == 0
    assert tried.out.endswith("22 alerts would be explained, 0 of them doubtful, 0 of them wrongly\n")


def test_a_plan_that_explains_an_attack_is_found_out(tmp_path: Path) -> None:
    """An entry for whatever happens anywhere."""
    draft = tmp_path / "draft.yml"
    text = PLAN.read_text()
    start = text.index("- id: guard")
    draft.write_text(
        text[:start] + "- {id: guard, reason: anywhere, from: '2027-05-17T09:30:00+02:00', "
        "to: '2027-05-17T13:45:00+02:00', event: {event.action|exists: true}}\n"
    )
    done = impetus_here("plan", "try", draft, DAY, "--city", CITY, "--json")
    verdicts = {one["verdict"] for one in done.objects}
    assert done.status == 1
    assert "wrong" in verdicts
    assert impetus_here("plan", "check", draft, "--city", CITY, "--strict").status == 1


def test_a_diff_ends_like_one(tmp_path: Path) -> None:
    draft = tmp_path / "draft.yml"
    draft.write_text(PLAN.read_text().replace("at_most: 21", "at_most: 22"))
    done = impetus_here("plan", "diff", PLAN, draft)
    assert (done.status, done.out) == (1, "~ entry salute: at_most 21 → 22\n")
    assert impetus_here("plan", "diff", PLAN, PLAN).status == 0


def test_two_people_approve(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yml"
    shutil.copy(PLAN, plan)
    assert "draft (0 of 2 approvals)" in impetus_here("plan", "state", plan).out
    assert "draft, approved by kari (1 of 2" in impetus_here("plan", "approve", plan, "--as", "kari").out
    again = impetus_here("plan", "approve", plan, "--as", "Kari")
    assert (again.status, again.out) == (2, "")
    assert "[plan.approval]" in again.err
    assert "approved by kari, ola (2 of 2" in impetus_here("plan", "approve", plan, "--as", "ola").out


def test_a_draft_does_not_come_into_force_and_doctor_says_so(tmp_path: Path) -> None:
    plan = installed_plan(tmp_path, approvals=0)
    before = doctor(tmp_path)
    assert "a plan is left out" in before
    assert "plan in force" not in before
    for name in ("kari", "ola"):
        impetus_here("plan", "approve", plan, "--as", name)
    assert "a plan is left out" not in doctor(tmp_path)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ("2027-05-17T03:59:59Z", "plan approved, in force from 2027-05-17T04:00:00Z: Children's parade, 17 May 2027"),
        ("2027-05-17T04:00:00Z", "plan in force: Children's parade, 17 May 2027"),
        ("2027-05-17T13:00:00Z", "plan over since 2027-05-17T13:00:00Z: Children's parade, 17 May 2027"),
    ],
)
def test_doctor_says_when_an_approved_plan_holds(
    now: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed_plan(tmp_path)
    monkeypatch.setattr("impetus.app.checks.wall_clock", lambda: parse_instant(now))
    assert says in doctor(tmp_path)


def installed_plan(folder: Path, approvals: int = 2) -> Path:
    plan = folder / "plan.yml"
    shutil.copy(PLAN, plan)
    (folder / "impetus.toml").write_text(f'[city]\nmodel = "{CITY}"\nplan = "plan.yml"\n')
    for name in ("kari", "ola")[:approvals]:
        impetus_here("plan", "approve", plan, "--as", name)
    return plan


def doctor(folder: Path) -> str:
    return impetus_here("doctor", "--config", folder / "impetus.toml").out


def test_findings_come_as_objects_too(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text(PLAN.read_text().replace("zone: Z6", "zone: Z66"))
    done = impetus_here("plan", "check", tmp_path / "plan.yml", "--city", CITY, "--json")
    (found,) = [json.loads(line) for line in done.out.splitlines()]
    assert (done.status, found["severity"], found["code"], found["line"]) == (1, "error", "plan.invalid", 8)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    draft = tmp_path / "draft.yml"
    draft.write_text(PLAN.read_text() + "closed: []\n")
    done = impetus_here("plan", "check", draft, "--city", CITY)
    assert (done.status, done.out) == (2, "")
    assert "(closed): the key 'closed' is there twice [plan.invalid]. The other stands in line 7" in done.err


def test_a_trial_names_what_it_cannot_read(tmp_path: Path) -> None:
    day = tmp_path / "day.ndjson"
    day.write_text("no event\n" + DAY.read_text())
    done = impetus_here("plan", "try", PLAN, day, "--city", CITY)
    assert done.out.endswith("22 alerts would be explained, 0 of them doubtful, 0 of them wrongly\n")
    assert done.err == f"impetus: skipped {day}:1: an event is a JSON object [event.malformed]\n"
