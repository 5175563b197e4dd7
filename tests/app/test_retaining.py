"""Retention as the settings say it: when what goes, in a running service and on the command line."""

import asyncio
from pathlib import Path

import pytest
from command import impetus_here
from service_day import Installation, Service

from impetus.app.retaining import Retaining, cutoffs_of
from impetus.app.settings import RetentionSettings, read_settings
from impetus.app.tally import Tally
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import SECOND
from impetus.domain.ports import EventQuery
from impetus.domain.retention import Cutoffs, Removed
from integrations.embedded.store import EmbeddedStore

DAY = 86_400 * SECOND


def test_each_class_goes_by_its_own_time_and_nothing_that_may_still_change() -> None:
    settings = RetentionSettings(personal="1d", events="10d", alerts="forever", audit="forever")
    cutoffs = cutoffs_of(settings, 1_000 * DAY, 995 * DAY)
    assert cutoffs == Cutoffs(995 * DAY, 990 * DAY, None, 270 * DAY, None, settled=995 * DAY)
    assert cutoffs_of(settings, 1_000 * DAY, None) == Cutoffs()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('events = "10d"', "personal values cannot be kept longer"),
        ('audit = "1y"', "kept longest"),
        ('incidents = "forever"', "kept longest"),
        ('alerts = "soon"', "alerts"),
        ('event = "90d"', "Did you mean 'events'"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "impetus.toml"
    path.write_text(f"[retention]\n{text}\n")
    with pytest.raises(ImpetusError) as caught:
        read_settings(path)
    assert what in str(caught.value)


async def test_a_sweep_counts_what_it_removes_and_can_be_cancelled_between_steps() -> None:
    store = EmbeddedStore.in_memory()
    tally = Tally(store, lambda: 0)
    retaining = Retaining(RetentionSettings(), store, lambda: 900 * DAY, lambda: 1_000 * DAY, tally)

    def steps(cutoffs: Cutoffs, now: int) -> object:
        assert (cutoffs.events, now) == (900 * DAY, 1_000 * DAY)
        for _ in range(1_000_000):
            yield Removed("events", 0, 2)

    store.sweep = steps  # type: ignore[assignment,method-assign]
    task = asyncio.create_task(retaining.sweep())
    while tally.removed["events"] < 4:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    assert 4 <= tally.removed["events"] < 100


@pytest.fixture
def old(tmp_path: Path) -> Installation:
    """A day of long ago, with an incident of three doors that nobody closed, and one event of a day later."""
    here = Installation(tmp_path)
    service = Service(here.write(), here.store)
    for _ in range(3):
        service.now += 10
        service.step(("doors", [service.door("D-3")]))
    service.step(("patrol", [service.tag()]))
    service.store.mark(service.wall)
    service.now += 100 * 86_400
    service.step(("doors", [service.door("D-1") | {"user.name": "kari"}]))
    service.store.mark(service.wall)
    service.store.close()
    return here


async def test_a_service_removes_what_is_old_and_the_command_says_what(
    old: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EmbeddedStore(old.store)
    now = max(event.time for event in store.events(EventQuery())) + SECOND
    monkeypatch.setattr("impetus.app.commands.retention.wall_clock", lambda: now)
    before = {row["class"]: row for row in impetus_here("retention", "--json", "--config", old.config).objects}
    assert (before["events"]["kept"], before["events"]["due"], before["events"]["held"]) == (5, 4, 0)
    assert before["personal"]["keep"] == "30d"
    retaining = Retaining(RetentionSettings(), store, lambda: now - DAY, lambda: now, Tally(store, lambda: now))
    await retaining.sweep()
    after = {row["class"]: row for row in impetus_here("retention", "--json", "--config", old.config).objects}
    assert (after["events"]["kept"], after["events"]["due"], after["events"]["held"]) == (4, 3, 3)
    (record,) = impetus_here("retention", "--record", "--json", "--store", old.store, "--config", old.config).objects
    assert (record["class"], record["removed"]) == ("events", 1)
    text = impetus_here("retention", "--config", old.config).out
    assert "3 held by open incidents" in text
    assert "events" in impetus_here("retention", "--record", "--config", old.config).out
    store.close()


async def test_the_correlator_goes_on_over_what_is_left(old: Installation) -> None:
    store = EmbeddedStore(old.store)
    for _ in store.sweep(Cutoffs(*[1 << 52] * 5, settled=1 << 52), 0):
        pass
    store.close()
    service = Service(old.write(), old.store)
    service.now = 101 * 86_400
    for _ in range(3):
        service.now += 10
        service.step(("doors", [service.door("D-2")]))
    assert len(service.incidents) == 2
    assert service.store.check() == []
    service.store.close()
    done = impetus_here("replay", "--store", "--verify", "--config", old.config)
    assert "retention has removed a part of the log" in done.err
