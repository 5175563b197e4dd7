"""Supervision: a source that fails comes back and stops no other; one that cannot be mended is left."""

import asyncio

import pytest

from impetus.app import supervision
from impetus.app.settings import SourceSettings
from impetus.app.supervision import Supervisor
from impetus.app.tally import Tally
from impetus.domain.errors import ImpetusError
from integrations.embedded.store import EmbeddedStore


class Scripted:
    """A collector that does what its script says, one step each time it is run."""

    def __init__(self, script: list[Exception | None]) -> None:
        self.script, self.runs = script, 0

    async def run(self) -> None:
        self.runs += 1
        step = self.script.pop(0)
        if step is not None:
            raise step


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.01)


async def supervise(scripts: dict[str, Scripted]) -> Tally:
    tally = Tally(EmbeddedStore.in_memory(), lambda: 0)
    sources = [SourceSettings(name, "scripted") for name in scripts]
    async with asyncio.timeout(60):
        await Supervisor(sources, lambda source: scripts[source.name], tally).run()
    return tally


async def test_a_source_that_fails_is_started_again() -> None:
    broken = Scripted([ImpetusError("source.unreadable", "away"), ValueError("a defect"), None])
    steady = Scripted([None])
    tally = await supervise({"broken": broken, "steady": steady})
    assert (broken.runs, steady.runs) == (3, 1)
    assert tally.states == {"broken": ("finished", ""), "steady": ("finished", "")}


async def test_what_fails_is_put_on_record_and_so_is_that_it_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "STEADY", 0.01)
    told: list[tuple[str, bool, str]] = []

    async def report(source: str, down: bool, reason: str) -> None:
        told.append((source, down, reason))

    class Lasting(Scripted):
        async def run(self) -> None:
            await super().run()
            await asyncio.sleep(0.1)

    broken = Lasting([ImpetusError("source.unreadable", "away"), None])
    tally = Tally(EmbeddedStore.in_memory(), lambda: 0)
    async with asyncio.timeout(60):
        await Supervisor([SourceSettings("broken", "scripted")], lambda _: broken, tally, report).run()
    assert told == [
        ("broken", True, "away [source.unreadable]"),
        ("broken", False, "runs again"),
    ]


async def test_one_that_cannot_be_mended_is_left_with_its_problem() -> None:
    wrong = Scripted([ImpetusError("settings.invalid", "no such zone")])
    tally = await supervise({"wrong": wrong, "steady": Scripted([None])})
    assert wrong.runs == 1
    assert tally.states["wrong"] == ("failed", "no such zone [settings.invalid]")
    assert tally.states["steady"] == ("finished", "")
