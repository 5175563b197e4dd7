"""What analysts do, key by key."""

import msgspec
import pytest
from textual.events import Paste

from impetus.domain.entity import Entity
from tests.tui.city import City, incident
from tests.tui.journey import at_queue


def city(count: int = 6) -> City:
    return City(incident(number) for number in range(count))


async def test_takes_the_first_incident_with_one_key_and_goes_on_to_the_next() -> None:
    async with at_queue(city()) as queue:
        await queue.press("a")
        await queue.settles()
        await queue.shows("INC-0 taken (u undoes)")
        assert "◐ mk" in queue.row("Thing number 0")
        assert "Thing number 1" in queue.current


async def test_closes_as_a_false_positive_with_two_keys_and_undoes_with_one() -> None:
    async with at_queue(city()) as queue:
        await queue.press("j", "c")
        await queue.shows("Close ■ CRIT Thing number 1 (INC-1)")
        await queue.press("f")
        await queue.settles()
        await queue.shows("INC-1 closed as false positive")
        assert queue.city.incidents["INC-1"].disposition == "false_positive"
        assert "✔" in queue.row("Thing number 1"), "the row stays until the order is merged"
        await queue.press("u")
        await queue.settles()
        assert queue.city.incidents["INC-1"].status == "open"
        assert queue.verbs == [("close", "INC-1"), ("undo", "INC-1")]


@pytest.mark.parametrize(
    ("key", "disposition"), [("f", "false_positive"), ("b", "benign"), ("t", "true_positive"), ("d", "duplicate")]
)
async def test_each_disposition_has_its_key(key: str, disposition: str) -> None:
    async with at_queue(city(1)) as queue:
        await queue.press("c", key)
        await queue.settles()
        assert queue.city.incidents["INC-0"].disposition == disposition


async def test_leaves_the_disposition_without_closing() -> None:
    async with at_queue(city()) as queue:
        await queue.press("c", "escape")
        await queue.settles()
        assert queue.verbs == []


async def test_marks_two_and_escalates_both_as_one_step() -> None:
    async with at_queue(city()) as queue:
        await queue.press("space", "space")
        await queue.shows("2 marked")
        await queue.press("e")
        await queue.settles()
        assert queue.verbs == [("escalate", "INC-0"), ("escalate", "INC-1")]
        await queue.hides("2 marked")
        await queue.press("u")
        await queue.settles()
        assert {each.status for each in queue.city.incidents.values()} == {"open"}


async def test_reopens_what_was_closed_and_says_why_an_open_one_cannot_be() -> None:
    async with at_queue(city()) as queue:
        await queue.press("o")
        await queue.shows("INC-0 is not closed")
        await queue.press("c", "b", "k", "a")
        await queue.shows("INC-0 is closed: o reopens it")
        await queue.press("o")
        await queue.settles()
        assert queue.verbs == [("close", "INC-0"), ("reopen", "INC-0")]


async def test_writes_a_note_in_which_verbs_are_letters() -> None:
    async with at_queue(city()) as queue:
        await queue.press("n", *"ace", "enter")
        await queue.settles()
        assert [each.note for each in queue.city.applied] == ["ace"]
        await queue.press("n", "x", "escape")
        assert len(queue.city.applied) == 1


async def test_pastes_only_what_can_be_seen_into_a_note() -> None:
    async with at_queue(city()) as queue:
        await queue.press("n")
        queue.app.post_message(Paste("a\x1b]52;c;eA==\x07b\u202e\nsecond"))
        await queue.shows("a␛]52")
        await queue.press("enter")
        await queue.settles()
        assert [each.note for each in queue.city.applied] == ["a␛]52;c;eA==␇b⟨202E⟩"]


async def test_filters_by_zone_severity_and_words_and_comes_back_with_escape() -> None:
    harbour = incident(2, "Harbour crane", zones=("Z-12",), entities=(Entity("device", "crane-4"),))
    async with at_queue(City([incident(0), incident(1), harbour])) as queue:
        await queue.press("slash", *"zone:z-1* sev:high+ CRANE", "enter")
        await queue.hides("Thing number 0")
        assert "Harbour crane" in queue.current
        await queue.press("escape")
        await queue.shows("Thing number 0")
        assert "Harbour crane" in queue.current, "the cursor is an incident, and stays on it"


async def test_names_the_nearest_key_of_an_unknown_filter() -> None:
    async with at_queue(city()) as queue:
        await queue.press("slash", *"zon:x", "enter")
        await queue.shows("unknown filter 'zon'. Did you mean 'zone'?")
        await queue.shows("filter: is:open")


async def test_news_waits_in_the_pill_until_merged_and_the_cursor_stays_on_its_incident() -> None:
    async with at_queue(city()) as queue:
        await queue.press("j", "j")
        worse = incident(100, "Fire in the tunnel", severity="critical")
        queue.city.send(msgspec.structs.replace(worse, risk=msgspec.structs.replace(worse.risk, score=99)))
        await queue.shows("▲1 new (R)")
        assert "Fire in the tunnel" not in queue.screen
        assert "Thing number 2" in queue.current
        await queue.press("R")
        await queue.hides("new (R)")
        assert queue.lines.index(queue.row("Fire in the tunnel")) < queue.lines.index(queue.row("Thing number 0"))
        assert "Thing number 2" in queue.current


async def test_a_row_changes_where_it_stands() -> None:
    async with at_queue(city()) as queue:
        before = queue.lines.index(queue.row("Thing number 4"))
        queue.city.send(incident(4, "Thing grown worse", severity="critical", revision=2))
        await queue.shows("Thing grown worse")
        assert queue.lines.index(queue.row("Thing grown worse")) == before
        assert "■ CRIT" in queue.row("Thing grown worse")


async def test_shows_the_refusal_of_the_server() -> None:
    async with at_queue(City([incident(0, owner="marta", status="taken")])) as queue:
        await queue.press("a")
        await queue.shows("INC-0: taken by marta 12 s ago. Ask her")
        await queue.press("u")
        await queue.shows("nothing of yours to take back")


async def test_refuses_to_act_on_an_incident_that_became_part_of_another() -> None:
    async with at_queue(city(2)) as queue:
        queue.city.send(incident(0, superseded_by="INC-7", revision=2))
        await queue.shows("→ INC-7")
        await queue.press("c")
        await queue.shows("INC-0 is now part of INC-7: R shows it")
        assert queue.verbs == []


async def test_moves_with_vim_keys_arrows_and_mouse() -> None:
    async with at_queue(city(60)) as queue:
        await queue.press("G")
        assert "Thing number 59" in queue.current
        await queue.press("g", "down", "j", "k")
        assert "Thing number 1 " in queue.current
        await queue.press("ctrl+d")
        assert "Thing number 1 " not in queue.current
        await queue.press("g")
        await queue.pilot.click("#table", offset=(10, 3))
        assert "Thing number 3 " in queue.current
        await queue.pilot.click("#bar", offset=(2, 0))
        await queue.settles()
        assert queue.verbs == [("take", "INC-3")]


async def test_tab_shows_why_on_a_small_terminal() -> None:
    async with at_queue(city()) as queue:
        await queue.hides("WHY")
        await queue.press("tab")
        await queue.shows("WHY", "PHYSICAL", "event.action equals door_forced")
        assert "Thing number 0" in queue.current
        await queue.press("tab")
        await queue.hides("WHY")


async def test_a_wide_terminal_shows_the_preview_of_the_incident_under_the_cursor() -> None:
    async with at_queue(city(), (140, 40)) as queue:
        await queue.shows("Alert of Thing number 0", "place  possible, radius 25 m", "RISK 95  asset +40  night +10")
        await queue.press("j", "j", "j")
        await queue.shows("Alert of Thing number 3")
        await queue.hides("Alert of Thing number 0")


async def test_the_preview_is_fetched_only_where_the_cursor_rests() -> None:
    async with at_queue(city(60), (140, 40)) as queue:
        await queue.shows("Alert of Thing number 0")
        for _ in range(40):
            queue.app.screen.action_perform("down")  # type: ignore[attr-defined]
        await queue.shows("Alert of Thing number 40")
        assert queue.city.dossiers == 2


async def test_the_incident_page_shows_evidence_and_the_raw_record() -> None:
    async with at_queue(city()) as page:
        await page.press("enter")
        await page.shows("✗ door.kind equals garage   met: roof", "joined: opened it", "PHYSICAL")
        await page.press("r")
        await page.shows("Risk 95 of 100", "door-17 is critical")
        await page.press("E")
        await page.shows(
            "203.0.113.77  (only links)",
            "LINKED",
            "INC-999",
            "CONTESTED",
            "cam-3  vms-1 → cam-3",
            "ZONES THAT LOSE",
            "left: cam-4",
        )
        await page.press("v")
        await page.shows("source", "access", "door_forced", "door-17")
        await page.press("j", "enter")
        await page.shows("E-0-2", '"provider": "access"', "ORIGINAL", "<134>door-17 forced")
        await page.press("escape", "minus")
        await page.shows("filter: is:open")


async def test_acts_on_the_incident_page_and_undoes_in_the_log() -> None:
    async with at_queue(city()) as page:
        await page.press("space", "enter", "a")
        await page.settles()
        await page.press("n", *"seen", "enter")
        await page.settles()
        await page.shows("◐ taken by mk")
        assert page.verbs == [("take", "INC-1"), ("note", "INC-1")], "marks in the queue do not count here"
        await page.press("l", "g", "u")
        await page.settles()
        await page.shows("(undone)")
        assert page.city.incidents["INC-1"].owner is None
        await page.press("u")
        await page.shows("nothing of yours to take back")


async def test_the_incident_page_is_live() -> None:
    async with at_queue(city()) as page:
        await page.press("enter")
        await page.shows("Thing number 0")
        page.city.send(incident(0, "Thing with a new alert", revision=2))
        await page.shows("Alert of Thing with a new alert")


async def test_help_lists_the_keys_of_the_place_and_the_palette_does_what_it_names() -> None:
    async with at_queue(city()) as queue:
        await queue.press("question_mark")
        await queue.shows("KEYS: queue", "Take: you work on it")
        await queue.press("escape", "ctrl+p", *"escal")
        await queue.shows("Escalate to the next level")
        await queue.press("enter")
        await queue.until(lambda: queue.verbs == [("escalate", "INC-0")], "escalated")


async def test_q_leaves() -> None:
    async with at_queue(city()) as queue:
        await queue.press("q")
        await queue.until(lambda: not queue.app.is_running, "left")
