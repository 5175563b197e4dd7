"""Hostile data through every place where data is shown: nothing that controls a terminal is in what Textual writes."""

import json
import random

import pytest
from rich.style import Style

from impetus.domain.alert import Alert
from impetus.domain.cascade import Cascade, Consequence, SightLoss
from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.explanation import Clause, Explanation
from impetus.domain.incident import ActionRecord, Incident, Member, Risk, Term
from tests.tui.city import NOON, City, incident
from tests.tui.hostile import PIECES, unsafe
from tests.tui.journey import Journey, at_queue
from tui.backend import Record
from tui.dossier import read
from tui.line import Line
from tui.look import Look
from tui.views import chrome, panes
from tui.views.preview import preview
from tui.views.record import record
from tui.views.row import Row, row
from tui.views.timeline import lanes
from tui.views.why import why

STRINGS = 10_000


class Attacker:
    """Different hostile strings without end, the same in every run; ``used`` counts them."""

    def __init__(self) -> None:
        self._chance = random.Random(52)
        self.used = 0

    def __call__(self) -> str:
        self.used += 1
        chance = self._chance
        points = (chance.choice((chance.randrange(0x20), chance.randrange(0x110000))) for _ in range(3))
        return "".join((*chance.choices(PIECES, k=3), *map(chr, points)))

    def some(self, count: int) -> tuple[str, ...]:
        return tuple(self() for _ in range(count))

    def incident(self, number: int) -> Incident:
        return incident(
            number,
            self(),
            id=f"INC-{number}{self()}",
            severity="high",
            zones=self.some(3),
            owner=self(),
            members=(Member(f"A-{number}", self(), 2),),
            events=self.some(8),
            domains=self.some(1),
            entities=tuple(Entity(self(), self()) for _ in range(3)),
            linked=self.some(3),
            contested=self.some(3),
            risk=Risk(99 - number, tuple(Term(self(), 5, self()) for _ in range(3))),
            history=(ActionRecord(self(), self(), NOON, self(), self(), self()),),
            superseded_by=None if number else self(),
        )

    def alert(self, of: Incident) -> Alert:
        clause = Clause(self(), True, self(), self(), self(), (Clause(self(), False, self(), self(), self()),))
        return Alert(
            id=of.members[0].alert,
            rule=self(),
            title=self(),
            level="high",
            at=NOON,
            first=NOON,
            events=of.events,
            group=((self(), self()),),
            certainty=self(),
            absent=self.some(2),
            explanation=Explanation(self(), (clause,)),
        )

    def record(self, id: str) -> Record:
        event = {
            "event": {"provider": self(), "action": self()},
            "city": {"domain": self()},
            "device": {"id": self()},
            "place": {"zone": self()},
            self(): self(),
        }
        return Record(id, NOON, json.dumps(event, ensure_ascii=self.used % 2 == 0), self())


@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_view_shows_ten_thousand_hostile_strings_harmlessly(ascii_only: bool) -> None:
    text, look = Attacker(), Look(ascii_only=ascii_only)
    number = 0
    while text.used < STRINGS:
        number += 1
        one = text.incident(number)
        cascade = Cascade(
            tuple(Consequence(device, text(), (text(), device)) for device in one.contested),
            (SightLoss(text(), text(), text.some(2), text.some(2)), SightLoss(text(), text(), text.some(1))),
        )
        dossier = read(one, [text.alert(one)], [text.record(id) for id in one.events], cascade)
        problem = ImpetusError("x", text(), Where(file=text()), text())
        header = chrome.Header(True, [one], 1, None, text(), 1, NOON)
        lines: list[Line] = [
            *(row(Row(one, NOON, one.status, current=True), width, look) for width in (50, 80, 140)),
            *preview(one, dossier, 60, look),
            *why(dossier, 80, look),
            *panes.risk(one, 80, look),
            *panes.entities(dossier, 80, look),
            *(panes.evidence_row(each, 80, look, current=False) for each in dossier.evidence),
            *(panes.log_row(each, 80, look, current=True) for each in one.history),
            *record(dossier.evidence[0].record, 80, look),
            *lanes(dossier.points(), 80, look),
            *chrome.header(header, 140, look),
            *chrome.trouble(problem, look, 80),
            *chrome.empty(one, None, True, look),
        ]
        for line in lines:
            strip = line.strip(200, lambda _: Style())
            assert all(unsafe(segment.text) == "" and segment.control is None for segment in strip)
            assert not ascii_only or line.text.isascii()


def safe(journey: Journey) -> None:
    """Nothing on any screen controls a terminal, and no link is there that is not ours."""
    for screen in journey.app.screen_stack:
        for strip in screen._compositor.render_strips():
            for segment in strip:
                assert unsafe(segment.text) == "" and segment.control is None
                action = segment.style.meta.get("@click", "screen.perform") if segment.style else "screen.perform"
                assert str(action).startswith("screen.perform")


def attacked(count: int) -> City:
    text = Attacker()
    city = City(text.incident(number) for number in range(1, count))
    for each in city.incidents.values():
        city.records |= {id: text.record(id) for id in each.events}
    return city


async def test_the_running_console_shows_hostile_data_harmlessly() -> None:
    async with at_queue(attacked(3), (150, 50)) as queue:
        await queue.shows("WHY")
        safe(queue)
        for _ in range(2):
            await queue.press("enter")
            await queue.shows("joined:")
            for key in "wrElv":
                await queue.press(key)
                safe(queue)
            await queue.press("enter")
            await queue.shows("ORIGINAL")
            safe(queue)
            await queue.press("escape", "escape", "j")


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("size", [(80, 24), (50, 14)])
async def test_dialogs_notices_and_narrow_terminals_too(size: tuple[int, int], ascii: bool) -> None:
    async with at_queue(attacked(3), size, ascii=ascii) as queue:
        for keys in (("c",), ("escape", "n"), ("escape", "a"), ("tab",), ("slash",), ("escape",)):
            await queue.press(*keys)
            await queue.pilot.pause()
            safe(queue)
            assert not ascii or queue.screen.isascii()


async def test_errors_and_refusals_of_the_server_too() -> None:
    text = Attacker()
    problem = ImpetusError("action.refused", text(), hint=text())

    class Refusing(City):
        async def act(self, action: object) -> Incident:
            raise problem

        async def incident(self, id: str) -> tuple[Incident, list[Alert], Cascade]:
            raise problem

    async with at_queue(Refusing([incident(0)]), (150, 40)) as queue:
        await queue.press("a")
        await queue.settles()
        await queue.shows("INC-0: ")
        safe(queue)
        await queue.press("enter")
        await queue.hides("…")
        safe(queue)


async def test_an_error_screen_too() -> None:
    text = Attacker()

    class Broken(City):
        async def list_incidents(self, statuses: object, limit: int) -> tuple[list[Incident], int]:
            raise ImpetusError("store.damaged", text(), hint=text())

    async with at_queue(Broken()) as queue:
        await queue.shows("store.damaged")
        safe(queue)
