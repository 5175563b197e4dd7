"""A plan comes into force when two different people approved this very version of it."""

from pathlib import Path

import pytest

from correlator.plan.approval import approve, approvers, read_approvals, require_approval, state_of, version_of
from correlator.plan.day import DayPlan
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import parse_instant

TEXT = b"plan: A day\nvalid: {from: 2027-05-17T06:00:00Z, to: 2027-05-17T18:00:00Z}\n"
BEFORE, WITHIN, AFTER = (parse_instant(f"2027-05-{day}T12:00:00Z") for day in (16, 17, 18))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.yml"
    file.write_bytes(TEXT)
    return file


def test_two_people_bring_it_into_force_and_it_is_on_record_who_and_when(plan: Path) -> None:
    assert read_approvals(plan) == ()
    with pytest.raises(ImpetusError, match="0 of 2"):
        require_approval(plan, TEXT)
    assert approve(plan, TEXT, "Kari Hansen", BEFORE) == ("Kari Hansen",)
    with pytest.raises(ImpetusError, match="1 of 2 approvals \\(Kari Hansen\\)"):
        require_approval(plan, TEXT)
    assert approve(plan, TEXT, "ola", BEFORE) == ("Kari Hansen", "ola")
    require_approval(plan, TEXT)
    assert [(one.by, one.at) for one in read_approvals(plan)] == [
        ("Kari Hansen", "2027-05-16T12:00:00Z"), ("ola", "2027-05-16T12:00:00Z"),
    ]  # fmt: skip


@pytest.mark.parametrize("again", ["Kari", "kari", " KARI  "])
def test_one_person_cannot_approve_twice_however_the_name_is_written(plan: Path, again: str) -> None:
    approve(plan, TEXT, "Kari", BEFORE)
    with pytest.raises(ImpetusError, match="already"):
        approve(plan, TEXT, again, BEFORE)
    assert len(read_approvals(plan)) == 1


def test_any_change_of_the_file_needs_new_approvals(plan: Path) -> None:
    for name in ("a", "b"):
        approve(plan, TEXT, name, BEFORE)
    with pytest.raises(ImpetusError, match="0 of 2"):
        require_approval(plan, TEXT + b"# a word\n")
    approve(plan, TEXT + b"# a word\n", "a", BEFORE)
    assert approvers(read_approvals(plan), version_of(TEXT)) == ("a", "b")


def test_a_plan_is_a_draft_then_approved_then_in_force_then_over() -> None:
    day = DayPlan.parse(TEXT, "plan.yml")
    states = [state_of(day, by, now) for by in (("a",), ("a", "b")) for now in (BEFORE, WITHIN, AFTER)]
    assert states == ["draft", "draft", "draft", "approved", "in force", "over"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x1bb"])
def test_an_approval_has_a_name(plan: Path, name: str) -> None:
    with pytest.raises(ImpetusError) as caught:
        approve(plan, TEXT, name, BEFORE)
    assert caught.value.code == "plan.approval"


def test_names_are_written_so_that_they_are_read_again(plan: Path) -> None:
    for name in ("- a: [b", "Ærø 'x' #1"):
        approve(plan, TEXT, name, BEFORE)
    assert [one.by for one in read_approvals(plan)] == ["- a: [b", "Ærø 'x' #1"]


def test_a_record_that_cannot_be_read_approves_nothing(plan: Path) -> None:
    plan.with_name("plan.approvals.yml").write_text("- {version: x, by: a}\n")
    with pytest.raises(ImpetusError) as caught:
        require_approval(plan, TEXT)
    assert caught.value.code == "plan.invalid"


def test_a_record_without_a_final_line_break_is_added_to_on_a_line_of_its_own(plan: Path) -> None:
    record = plan.with_name("plan.approvals.yml")
    record.write_text(f"- {{version: {version_of(TEXT)}, by: a, at: 2027-05-16T12:00:00Z}}")
    assert approve(plan, TEXT, "b", BEFORE) == ("a", "b")
    require_approval(plan, TEXT)
