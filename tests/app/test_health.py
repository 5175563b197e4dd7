"""What ails Impetus itself: found by readings, told once and of few, on record, one incident, and seen to end."""

from pathlib import Path

import pytest

from correlator.city import CityModel
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.app.engine import load_rules
from impetus.app.health.examination import MOST, Limits, examine
from impetus.app.health.growth import Growth, Recent
from impetus.app.health.reading import Disk, Instruments, Reading, read_disk
from impetus.app.health.watch import HOLD, HOUR, MOST_AN_HOUR, REST, Watch
from impetus.app.tally import Tally
from impetus.app.wiring import shipped_rules
from impetus.domain.batch import Batch
from impetus.domain.condition import Condition, Vitals
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import SECOND, parse_instant
from impetus.domain.ports import EventQuery, IncidentQuery
from integrations.embedded.store import EmbeddedStore

NOON = parse_instant("2027-05-17T12:00:00Z")
FULL = Condition("disk_filling", "/var/lib/impetus", "81% of the disk is used")


def kinds(reading: Reading, limits: Limits | None = None) -> list[tuple[str, str, bool]]:
    return [(one.kind, one.subject, one.late) for one in examine(reading, limits or Limits())]


# --- examination


def test_a_well_system_has_no_conditions() -> None:
    vitals = Vitals(watermark=NOON - 120 * SECOND, newest=NOON, holder="doors", allowed=120 * SECOND)
    states = {"doors": ("running", ""), "day": ("finished", ""), "gates": ("waiting", "")}
    assert kinds(Reading(NOON, vitals, states, stepped=NOON, disk=Disk("/", 0.79))) == []


def test_each_condition_is_found_and_says_what_makes_data_late() -> None:
    problem = ImpetusError("rule.invalid", "no selection", Where("door.yml", 7))
    behind = Vitals(watermark=NOON - 3600 * SECOND, newest=NOON, holder="patrol", holder_collector="radio")
    reading = Reading(
        NOON,
        behind,
        {"gate": ("failed", "refused")},
        stepped=NOON - 60 * SECOND,
        disk=Disk("/data", 0.96),
        raised={"Login failed": 1_000, "Door": 999},
        skewed={"cameras": 5},
        shed={"gate": 7},
        bounded={"rule Flood": 3},
        problems=(problem,),
    )
    assert set(kinds(reading)) == {
        ("collector_down", "gate", True),
        ("processing_stalled", "correlator", True),
        ("watermark_stalled", "radio", True),
        ("disk_filling", "/data", True),
        ("rule_flooding", "Login failed", False),
        ("rule_failing", "rule Flood", False),
        ("rule_failing", "door.yml:7", False),
        ("clock_skewed", "cameras", False),
        ("source_shedding", "gate", True),
    }
    found = examine(reading, Limits())
    assert all(one.hint and one.reason for one in found)
    assert [one.late for one in found] == sorted((one.late for one in found), reverse=True)
    stalled = next(one for one in found if one.kind == "watermark_stalled")
    assert stalled.reason == "source patrol (by collector radio) holds event time 1:00:00 behind the newest event"


def test_a_store_that_refuses_is_told_instead_of_the_steps_that_wait_for_it() -> None:
    assert kinds(Reading(NOON, stepped=1, refused="disk is full")) == [("store_refusing", "", True)]


def test_event_time_may_lag_by_what_is_allowed() -> None:
    vitals = Vitals(watermark=NOON - 3600 * SECOND, newest=NOON, holder="a", allowed=3000 * SECOND)
    assert kinds(Reading(NOON, vitals)) == []
    assert kinds(Reading(NOON, vitals), Limits(lag=599 * SECOND)) == [("watermark_stalled", "a", True)]


def test_subjects_are_few_however_many_there_are() -> None:
    problems = tuple(ImpetusError("rule.invalid", "no", Where(f"{n}.yml")) for n in range(50))
    found = examine(Reading(NOON, raised={f"rule {n}": 5_000 for n in range(50)}, problems=problems), Limits())
    assert len(found) == 2 * (MOST + 1)
    assert {one.reason for one in found if one.subject == "others"} == {
        "40 more: 200000 new alerts in five minutes",
        "40 more rules cannot be used",
    }


# --- readings


def test_growth_counts_what_came_of_late_and_forgets() -> None:
    growth = Growth(300 * SECOND)
    assert growth.grown({"a": 7}, NOON) == {}
    assert growth.grown({"a": 9, "b": 1}, NOON + 60 * SECOND) == {"a": 2, "b": 1}
    assert growth.grown({"a": 9, "b": 1}, NOON + 300 * SECOND) == {"a": 2, "b": 1}
    assert growth.grown({"a": 9, "b": 1}, NOON + 400 * SECOND) == {}


def test_what_happened_recently_is_counted() -> None:
    recent = Recent(300 * SECOND)
    for second in range(0, 600, 60):
        recent.count("a", NOON + second * SECOND)
    assert recent.recent(NOON + 600 * SECOND) == {"a": 4}
    assert recent.recent(NOON + 3600 * SECOND) == {}


def test_the_disk_is_that_of_the_store_even_before_there_is_one(tmp_path: Path) -> None:
    disk = read_disk(tmp_path / "not" / "yet" / "impetus.db")
    assert disk.folder == str(tmp_path)
    assert 0 < disk.used < 1 and disk.store_bytes == 0
    (tmp_path / "i.db").write_bytes(b"x" * 10)
    (tmp_path / "i.db-wal").write_bytes(b"x" * 5)
    assert read_disk(tmp_path / "i.db").store_bytes == 15


def test_a_reading_needs_no_store_that_answers(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "i.db")
    tally = Tally(store, lambda: NOON)
    store.close()
    assert Instruments(tally, store, tmp_path / "i.db", lambda: NOON, lambda: 3).read().waiting == 3


# --- the watch


class Told:
    """Keeps what it is told; refuses as long as it is asked to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []
        self.refuses = False

    async def __call__(self, condition: Condition, holds: bool) -> None:
        if self.refuses:
            raise ImpetusError("store.unavailable", "full")
        self.told.append((condition.kind, condition.subject, holds))


class Watched:
    """A watch over readings that a test makes."""

    def __init__(self, told: tuple[tuple[str, str], ...] = ()) -> None:
        self.reading, self.tell = Reading(NOON), Told()
        self.watch = Watch(lambda: self.reading, Limits(), self.tell, told)

    async def look(self, at: int, **more: object) -> list[tuple[str, str, bool]]:
        """Look at so many µs past noon; returns all that was told so far."""
        self.reading = Reading(NOON + at, **more)  # type: ignore[arg-type]
        await self.watch.look()
        if self.watch._telling is not None:
            await self.watch._telling
        return self.tell.told


async def test_a_condition_is_told_once_when_it_has_held_and_once_when_it_has_been_over() -> None:
    watched, full = Watched(), Disk("/data", 0.9)
    assert await watched.look(0, disk=full) == []
    assert [one.kind for one, _ in watched.watch.conditions] == ["disk_filling"]
    raised = ("disk_filling", "/data", True)
    assert await watched.look(HOLD, disk=full) == [raised]
    assert await watched.look(2 * HOLD, disk=full) == [raised]
    assert await watched.look(3 * HOLD) == [raised]
    assert watched.watch.conditions == []
    assert await watched.look(4 * HOLD, disk=full) == [raised], "it came back before it was over"
    assert await watched.look(4 * HOLD + REST) == [raised]
    assert await watched.look(4 * HOLD + REST + 1) == [raised, ("disk_filling", "/data", False)]


async def test_what_passes_at_once_is_not_told() -> None:
    watched = Watched()
    await watched.look(0, disk=Disk("/data", 0.9))
    assert await watched.look(HOLD) == []


async def test_what_was_on_record_before_a_restart_is_not_told_again_and_its_end_is() -> None:
    watched, full = Watched((("disk_filling", "/data"), ("collector_down", "gate"))), Disk("/data", 0.9)
    await watched.look(0, disk=full)
    assert await watched.look(HOLD, disk=full) == []
    assert await watched.look(HOLD + REST + 1) == [("disk_filling", "/data", False)]


async def test_what_cannot_be_written_is_told_later() -> None:
    watched, full = Watched(), Disk("/data", 0.9)
    watched.tell.refuses = True
    await watched.look(0, disk=full)
    assert await watched.look(HOLD, disk=full) == []
    watched.tell.refuses = False
    assert await watched.look(2 * HOLD, disk=full) == [("disk_filling", "/data", True)]


async def test_self_alerts_are_no_flood_whatever_happens() -> None:
    watched = Watched()
    for step in range(2000):
        flood = {f"rule {step // 20 * 10 + n}": 5_000 for n in range(10)}
        await watched.look(step * HOLD // 10, raised=flood)
    assert 2000 * HOLD // 10 < HOUR
    assert sum(holds for _, _, holds in watched.tell.told) <= MOST_AN_HOUR


async def test_collectors_are_told_of_by_supervision() -> None:
    watched = Watched()
    for step in range(3):
        await watched.look(step * HOLD, states={"gate": ("failed", "away")})
    assert watched.tell.told == []
    assert [one.kind for one, _ in watched.watch.conditions] == ["collector_down"]


# --- on record


@pytest.fixture(scope="module")
def setup() -> Setup:
    return Setup(load_rules([shipped_rules() / "self"]).rules, CityModel.empty(), None)


def tell(correlator: Correlator, store: EmbeddedStore, condition: Condition, holds: bool, at: int) -> bool:
    batch = correlator.tell(condition, holds, at)
    if batch is not None:
        store.commit(correlator.step([batch], at))
    return batch is not None


def test_what_comes_and_goes_is_one_incident_that_shows_its_end(setup: Setup) -> None:
    store = EmbeddedStore.in_memory()
    correlator = Correlator(setup, store)
    store.commit(correlator.begin())
    for hour in range(3):
        at = NOON + hour * HOUR
        assert tell(correlator, store, FULL, True, at)
        assert not tell(correlator, store, FULL, True, at + 1)
        assert correlator.conditions() == {FULL.key: at}
        correlator = Correlator(setup, store)
        assert correlator.conditions() == {FULL.key: at}, "known after a restart"
        assert tell(correlator, store, FULL, False, at + REST)
        assert not tell(correlator, store, FULL, False, at + REST + 1)
    (incident,) = store.incidents(IncidentQuery())
    titles = {alert.id: alert.title for alert in store.alerts([member.alert for member in incident.members])}
    rows = {titles[member.alert]: member.count for member in incident.members}
    assert rows == {"Disk fills up": 3, "Impetus is well again": 3}
    assert incident.title == "Disk fills up"
    assert correlator.clock.now is None, "it moves no event time"
    assert correlator.conditions() == {}


def test_the_log_alone_comes_to_the_same(setup: Setup) -> None:
    live, again = EmbeddedStore.in_memory(), EmbeddedStore.in_memory()
    correlator, replayed = Correlator(setup, live), Correlator(setup, again)
    for at, holds in ((NOON, True), (NOON + REST, False), (NOON + 2 * REST, True)):
        tell(correlator, live, FULL, holds, at)
    for lines in live.log():
        again.commit(replayed.replay_step([Batch("log", lines)], NOON))
    assert [one.id for one in again.incidents(IncidentQuery())] == [one.id for one in live.incidents(IncidentQuery())]
    assert replayed.conditions() == correlator.conditions() == {FULL.key: NOON + 2 * REST}


def test_who_only_claims_to_be_impetus_is_a_source_like_any(setup: Setup) -> None:
    store = EmbeddedStore.in_memory()
    correlator = Correlator(setup, store)
    tell(correlator, store, FULL, True, NOON)
    (event,) = store.events(EventQuery())
    forged = event.line.replace(b"81%", b"99%").replace(b"/var/lib/impetus", b"/elsewhere").replace(b"impetus-", b"x-")
    store.commit(correlator.step([Batch("gate", (forged,))], NOON))
    assert correlator.conditions() == {FULL.key: NOON}
    assert correlator.clock.now is not None
