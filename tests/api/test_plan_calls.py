"""The ledger, promotions out of it, and what an incident says of the devices that fail with it."""

from types import SimpleNamespace

import pytest

from impetus.api.client import Client
from impetus.domain.action import Promotion
from impetus.domain.batch import Commit
from impetus.domain.cascade import Cascade, Consequence, SightLoss
from impetus.domain.entity import Entity
from impetus.domain.errors import ImpetusError
from impetus.domain.plan import LedgerLine
from integrations.grpc.server import Server
from tests.api.doubles import Bell, Fit, SimpleDesk, incident


async def test_the_ledger_is_listed_whole_or_by_entry(place: SimpleNamespace) -> None:
    lines = tuple(LedgerLine(f"E-{n}", "rule-1", "A day", "guard" if n else "salute", "arms") for n in range(3))
    place.store.commit(Commit(ledger=lines))
    assert {(line.event, line.entry) for line in await place.client.ledger()} == {
        ("E-0", "salute"), ("E-1", "guard"), ("E-2", "guard"),
    }  # fmt: skip
    assert {line.event for line in await place.client.ledger(entry="guard")} == {"E-1", "E-2"}
    assert len(await place.client.ledger(limit=1)) == 1
    with pytest.raises(ImpetusError) as caught:
        await place.client.ledger(limit=10_001)
    assert caught.value.code == "query.invalid"


async def test_a_promotion_answers_with_the_incident_that_came_of_it(place: SimpleNamespace) -> None:
    place.store.commit(Commit(incidents=(incident(1),)))
    answer = await place.client.promote(Promotion("a1", "E-1", "kari", "no gun"))
    assert (answer.id, answer.history[0].note) == ("INC-1", "no gun")
    assert not (await place.client.promote(Promotion("a2", "nobody", "kari"))).id
    with pytest.raises(ImpetusError) as caught:
        await place.client.promote(Promotion("a3", "", "kari"))
    assert caught.value.code == "query.invalid"


async def test_an_incident_comes_with_what_fails_with_its_devices(place: SimpleNamespace) -> None:
    place.store.commit(Commit(incidents=(incident(1, entities=(Entity("device", "VMS"),)),)))
    assert not (await place.client.incident("INC-1")).cascade.devices
    following = Cascade(
        (Consequence("CAM", "camera", ("VMS", "CAM")),), (SightLoss("Z1", "camera", ("CAM",), ("CAM-2",)),)
    )
    bell, address = Bell(), f"unix:{place.path.with_name('other.sock')}"
    desk = SimpleDesk(place.store, bell)
    server = Server(place.store, desk, bell, Fit(), place.masker, address, foresee=lambda _: following)
    await server.start()
    try:
        async with Client(address) as client:
            found = (await client.incident("INC-1")).cascade
    finally:
        await server.stop(0)
    assert [(one.device, one.kind, tuple(one.path)) for one in found.devices] == [("CAM", "camera", ("VMS", "CAM"))]
    (loss,) = found.zones
    assert (loss.zone, loss.kind, tuple(loss.lost), tuple(loss.left)) == ("Z1", "camera", ("CAM",), ("CAM-2",))
