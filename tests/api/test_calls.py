"""Every call, over a real socket, against each store."""

import asyncio
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from impetus.api.client import Client
from impetus.api.v1 import impetus_pb2 as pb
from impetus.api.v1.impetus_pb2_grpc import ImpetusStub
from impetus.api.words import severity, status
from impetus.domain.action import Action, Undo
from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Head
from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError
from impetus.domain.explanation import Clause, Explanation
from impetus.domain.incident import ActionRecord, Member, Risk, Term
from impetus.domain.place import Location, Place
from integrations.grpc.server import NAME
from tests.api.doubles import incident, line


async def test_lists_by_risk_and_gives_the_cursor_behind(place: SimpleNamespace) -> None:
    calm = incident(1, risk=Risk(10), zones=("Z1",))
    grave = incident(2, risk=Risk(90, (Term("asset", 90, "a substation"),)), severity="critical", zones=("Z4",))
    cursor = place.store.commit(Commit(incidents=(calm, grave)))

    everything = await place.client.list_incidents()

    assert [each.id for each in everything.incidents] == ["INC-2", "INC-1"]
    assert everything.cursor == cursor
    assert severity(everything.incidents[0]) == "critical"
    assert everything.incidents[0].risk_terms[0].evidence == "a substation"
    assert [each.id for each in (await place.client.list_incidents(zone="Z1")).incidents] == ["INC-1"]
    assert not (await place.client.list_incidents(statuses=["closed"])).incidents
    assert not (await place.client.list_incidents(kind="watch")).incidents


async def test_gives_an_incident_with_its_alerts_whole(place: SimpleNamespace) -> None:
    clause = Clause("and", True, of=(Clause("equals", True, "door.kind", "roof", "roof"),))
    alert = Alert(
        "A-1",
        "rule-1",
        "Roof door",
        "medium",
        5,
        4,
        ("E-1", "E-2"),
        place=Place("Z4", Location(59.9, 10.7), 20.0),
        zones=("Z4",),
        certainty="certain",
        absent=("rule-2",),
        tags=("attack.t1078",),
        correlation=True,
        exercise=True,
        group=(("door.kind", "roof"),),
        explanation=Explanation("2 in 5 min", (clause,)),
    )
    record = ActionRecord("x", "kari", 9, "close", "done", "benign", undone_by="y")
    whole = incident(1, members=(Member("A-1", "opened it", 3),), history=(record,), contested=("D-1",), exercise=True)
    place.store.commit(Commit(alerts=(alert,), incidents=(whole,)))

    answer = await place.client.incident("INC-1")

    (given,) = answer.alerts
    assert (given.rule_id, given.title, given.summary) == ("rule-1", "Roof door", "2 in 5 min")
    assert (given.location.lat, given.radius_m, given.certainty) == (59.9, 20.0, "certain")
    assert given.clauses[0].of[0].actual == "roof"
    assert given.group[0] == pb.FieldValue(field="door.kind", value="roof")
    assert given.exercise and given.correlation and given.level == pb.SEVERITY_MEDIUM
    assert answer.incident.members[0] == pb.Member(alert_id="A-1", why="opened it", count=3)
    assert answer.incident.history[0].disposition == pb.DISPOSITION_BENIGN
    assert answer.incident.exercise and list(answer.incident.contested) == ["D-1"]


async def test_a_superseded_id_answers_with_what_took_its_place(place: SimpleNamespace) -> None:
    place.store.commit(Commit(incidents=(incident(1, superseded_by="INC-2"), incident(2, supersedes=("INC-1",)))))
    assert (await place.client.incident("INC-1")).incident.id == "INC-2"


async def test_an_unknown_incident_is_an_error_with_its_code(place: SimpleNamespace) -> None:
    with pytest.raises(ImpetusError, match="INC-9") as caught:
        await place.client.incident("INC-9")
    assert caught.value.code == "incident.unknown"


async def test_acts_once_for_an_id_and_takes_back_by_a_new_record(place: SimpleNamespace) -> None:
    place.store.commit(Commit(incidents=(incident(1),)))
    take = Action("a-1", "INC-1", "kari", "take")

    taken = await place.client.act(take)
    again = await place.client.act(take)
    undone = await place.client.undo(Undo("u-1", "INC-1", "ola", "a-1"))

    assert (status(taken), taken.owner) == ("taken", "kari")
    assert again == taken
    assert status(undone) == "open"
    assert [(each.id, each.undone_by) for each in undone.history] == [("a-1", "u-1"), ("u-1", "")]
    assert undone.history[1].verb == pb.VERB_UNDO


async def test_a_refused_action_says_what_and_how_to_mend_it(place: SimpleNamespace) -> None:
    place.store.commit(Commit(incidents=(incident(1),)))
    with pytest.raises(ImpetusError) as caught:
        await place.client.act(Action("a-1", "INC-1", "kari", "close"))
    expected = ImpetusError("action.refused", "closing needs a disposition", hint="Say what it was – ærlig talt.")
    assert caught.value == expected


async def test_errors_carry_their_code_for_every_client(place: SimpleNamespace) -> None:
    async with grpc.aio.insecure_channel(place.server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ImpetusStub(channel).Act(pb.ActRequest(action_id="a", incident_id="INC-9", actor="k", verb=1))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert dict(caught.value.trailing_metadata())["impetus-code"] == "incident.unknown"


@pytest.mark.parametrize(
    "search",
    [
        {"limit": 10_001},
        {"entities": ["no colon"]},
        {"entities": ["device:"]},
        {"entities": ["device:" + "x" * 600]},
        {"entities": ["device:x"] * 33},
        {"start": 5, "end": 5},
        {"event_ids": [""]},
        {"entities": ["user:user#00000000"]},
        {"start": -1},
    ],
)
async def test_a_senseless_search_is_refused_by_name(place: SimpleNamespace, search: dict[str, object]) -> None:
    with pytest.raises(ImpetusError) as caught:
        _ = [event async for event in place.client.search_events(**search)]
    assert caught.value.code == "query.invalid"


async def test_a_senseless_action_never_reaches_the_desk(place: SimpleNamespace) -> None:
    async with grpc.aio.insecure_channel(place.server.address) as channel:
        for request in (
            pb.ActRequest(incident_id="i", actor="a", verb=pb.VERB_TAKE),
            pb.ActRequest(action_id="a", incident_id="i", actor="a"),
            pb.ActRequest(action_id="a", incident_id="i", actor="a", verb=pb.VERB_UNDO),
            pb.ActRequest(action_id="a", incident_id="i", actor="a", verb=99),  # type: ignore[arg-type]
            pb.ActRequest(action_id="a", incident_id="i", actor="a", verb=pb.VERB_NOTE, note="n" * 5000),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ImpetusStub(channel).Act(request)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_searches_newest_first_in_pages_without_loss(place: SimpleNamespace) -> None:
    """Over 600 events, 400 of them at one instant: more than a page on either side of its edge."""
    times = [*range(100), *([100] * 400), *range(101, 201)]
    ids = [f"E-{number}" for number in range(len(times))]
    heads = [Head(id, time * 1000, ("device:D-1", "zone:Z4")) for id, time in zip(ids, times, strict=True)]
    lines = [line(event__id=id) for id in ids]
    place.store.commit(Commit(lines=tuple(lines), heads=tuple(heads)))

    found = [event async for event in place.client.search_events(entities=["device:D-1"], zone="Z4", limit=10_000)]
    some = [event async for event in place.client.search_events(start=50_000, end=101_000, limit=300)]

    assert sorted(event.id for event in found) == sorted(ids)
    assert [event.time_us for event in found] == sorted((time * 1000 for time in times), reverse=True)
    assert len({event.id for event in some}) == 300
    assert {event.time_us for event in some} == {100_000}
    assert not [event async for event in place.client.search_events(zone="Z5")]


async def test_finds_events_by_id_with_the_raw_record_apart(place: SimpleNamespace) -> None:
    stored = b'{"event":{"id":"E-1","original":"<34>door 7"},"door":{"kind":"roof"}}'
    place.store.commit(Commit(lines=(stored,), additions=(b'{"plan.phase":"parade"}',), heads=(Head("E-1", 5, ()),)))
    (event,) = [event async for event in place.client.search_events(event_ids=["E-1"])]
    assert event.original == "<34>door 7"
    assert event.json == '{"event":{"id":"E-1"},"door":{"kind":"roof"},"plan.phase":"parade"}'


async def test_a_record_that_cannot_be_read_says_so_and_stops_nothing(place: SimpleNamespace) -> None:
    place.store.commit(Commit(lines=(b"{no", line(event__id="E-2")), heads=(Head("E-1", 5, ()), Head("E-2", 4, ()))))
    found = [event async for event in place.client.search_events()]
    assert [event.id for event in found] == ["E-1", "E-2"]
    assert "no JSON object" in found[0].json


async def test_status_names_what_is_wrong(place: SimpleNamespace) -> None:
    answer = await place.client.status()
    assert (answer.events, answer.events_per_second, answer.watermark_us) == (4, 0.5, 1000)
    assert answer.sources[0].problem == "connection refused"


async def test_health_and_reflection_answer(place: SimpleNamespace) -> None:
    async with grpc.aio.insecure_channel(place.server.address) as channel:
        health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=NAME))
        ask = reflection_pb2.ServerReflectionRequest(list_services="")
        stream = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([ask]))
        services = [each.name async for answer in stream for each in answer.list_services_response.service]
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert NAME in services


async def test_a_failure_inside_tells_the_client_nothing_of_it(
    place: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(id: str) -> None:
        raise RuntimeError("kari.nordmann")

    monkeypatch.setattr(place.store, "incident", fail)
    with pytest.raises(ImpetusError) as caught:
        await place.client.incident("INC-1")
    assert "kari" not in str(caught.value)


async def test_the_example_prints_every_change(place: SimpleNamespace) -> None:
    place.store.commit(Commit(incidents=(incident(1, title="Door \x1b[2J forced", zones=("Z4",)),)))
    example = Path(__file__).parents[2] / "examples" / "client.py"
    run = await asyncio.create_subprocess_exec(
        sys.executable, example, place.server.address, stdout=asyncio.subprocess.PIPE
    )
    try:
        lines = [await asyncio.wait_for(run.stdout.readline(), 30) for _ in range(2)]
        place.bell.ring(place.store.commit(Commit(incidents=(incident(2, title="Gate"),))))
        lines.append(await asyncio.wait_for(run.stdout.readline(), 30))
    finally:
        run.terminate()
        await run.wait()
    printed = b"".join(lines).decode()
    assert "connected" in printed
    assert r"high      open       'Door \x1b[2J forced'  (Z4; risk 0)" in printed
    assert "'Gate'" in printed


async def test_only_the_owner_can_open_the_socket(place: SimpleNamespace) -> None:
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(place.path.stat().st_mode)


async def test_the_client_says_that_nobody_answers() -> None:
    async with Client("unix:/nonexistent/impetus.sock", deadline=0.3) as client:
        with pytest.raises(ImpetusError) as caught:
            await client.status()
    assert caught.value.code == "api.unavailable"


async def test_weak_entities_keep_their_mark(place: SimpleNamespace) -> None:
    place.store.commit(Commit(incidents=(incident(1, entities=(Entity("address", "203.0.113.9", weak=True),)),)))
    (entity,) = (await place.client.incident("INC-1")).incident.entities
    assert entity == pb.Entity(kind="address", value="203.0.113.9", weak=True)
