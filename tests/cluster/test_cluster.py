"""Two workers over a real broker: what they come to is what one box comes to, also when they are killed meanwhile."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

from cluster_kills import survive
from clustered import City, State

from impetus.domain.action import Action, Undo
from impetus.domain.batch import Batch

DEMO = Path(__file__).parents[2] / "examples" / "demo" / "oslo-17-may"


def test_the_oslo_day_of_two_workers_is_that_of_one_box(tmp_path: Path, kafka_address: str) -> None:
    lines = f'[city]\nmodel = "{DEMO}/city.yml"\nplan = "{DEMO}/plan.yml"\n'
    city = City(tmp_path, kafka_address, f"oslo-{uuid4().hex[:8]}", lines)
    events = [json.loads(line) for line in (DEMO / "events.ndjson").read_bytes().splitlines()]
    events.sort(key=lambda event: event["event"]["created"])

    async def run() -> None:
        async with city.running():
            for event in events:
                await city.runner.accept(Batch(event["event"]["provider"], (json.dumps(event).encode(),)))
            await city.caught_up()
            incident = next(iter(State.of(city.store).incidents))
            action = Action(uuid4().hex, incident, "kari", "take")
            taken = await city.runner.act(action)
            assert (taken.status, city.store.incident(incident)) == ("taken", taken)
            assert await city.runner.act(action) == taken
            undone = await city.runner.undo(Undo(uuid4().hex, incident, "kari", action.id))
            assert undone.status == "open"

    expected: list[State] = []
    asyncio.run(run())
    expected.append(city.one_box())
    found = State.of(city.store)
    assert len(found.incidents) == 3
    assert found.ids == sorted(event["event"]["id"] for event in events)
    acted = {one.id: one.revision for one in found.incidents.values() if one.history}
    assert list(acted.values()) == [expected[0].incidents[next(iter(acted))].revision + 2]
    assert {id: one for id, one in found.incidents.items() if id not in acted} == {
        id: one for id, one in expected[0].incidents.items() if id not in acted
    }
    assert (found.alerts, found.ledger) == (expected[0].alerts, expected[0].ledger)


def test_workers_that_are_killed_change_nothing(tmp_path: Path, kafka_address: str) -> None:
    city = City(tmp_path, kafka_address, f"kills-{uuid4().hex[:8]}")
    report = asyncio.run(survive(city, None, seed=1, kills=3, broker_kills=0))
    assert sum(report.kills.values()) == 3
    assert report.found.incidents
    report.hold()
