"""The console over a real server on a socket: what the API sends arrives whole, and what is done reaches the store."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from impetus.domain.action import Action
from impetus.domain.alert import Alert
from impetus.domain.batch import Commit, Head
from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident, Member
from impetus.domain.personal import Masker
from integrations.embedded.store import EmbeddedStore
from integrations.grpc.server import Server
from tests.api.doubles import Bell, Fit, SimpleDesk
from tests.tui.city import CASCADE, alert, console, incident
from tests.tui.journey import Journey
from tui.remote import Remote

LINE = (
    b'{"@timestamp":"2027-05-17T11:59:00Z","event":{"id":"E-1","provider":"door","action":"forced"},'
    b'"user":{"name":"ola"}}'
)


def door() -> tuple[Incident, Alert]:
    opened = incident(1, "Roof door forced", members=(Member("A-1", "opened it"),), events=("E-1",), owner="marta")
    return opened, alert(opened)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    """A server with one incident in its store; ``serve`` starts another on the same socket."""
    store, bell, address = EmbeddedStore.in_memory(), Bell(), f"unix:{tmp_path}/api.sock"
    opened, fired = door()
    head = Head("E-1", opened.opened, ("device:door-17",))
    store.commit(Commit(lines=(LINE,), additions=(b"",), heads=(head,), alerts=(fired,), incidents=(opened,)))

    def serve() -> Server:
        return Server(
            store, SimpleDesk(store, bell), bell, Fit(), Masker(b"a key for tests only"), address, lambda _: CASCADE
        )  # type: ignore[arg-type]

    server = serve()
    await server.start()
    place = SimpleNamespace(store=store, server=server, serve=serve, address=address)
    yield place
    await place.server.stop(0)
    store.close()


async def test_what_the_api_sends_arrives_whole(served: SimpleNamespace) -> None:
    backend, (opened, fired) = Remote(served.address), door()
    listed, cursor = await backend.list_incidents(("open",), 10)
    assert listed == [opened]
    found, alerts, cascade = await backend.incident("INC-1")
    assert found == opened
    assert cascade == CASCADE
    assert [(each.title, each.explanation, each.certainty, each.absent) for each in alerts] == [
        (fired.title, fired.explanation, fired.certainty, fired.absent)
    ]
    (record,) = await backend.search_events(("E-1",))
    assert record.id == "E-1" and '"forced"' in record.json and "ola" not in record.json
    assert await backend.search_events(()) == []
    assert (await backend.status()).sources[0].problem == "connection refused"
    taken = await backend.act(Action("act-1", "INC-1", "mk", "take"))
    assert (taken.status, taken.history[0].verb) == ("taken", "take")
    async for _, changed in backend.watch(cursor):
        assert changed.status == "taken"
        break
    with pytest.raises(ImpetusError) as refused:
        await backend.act(Action("act-2", "INC-9", "mk", "take"))
    assert refused.value.code == "incident.unknown"
    await backend.close()


async def test_a_journey_over_the_socket_through_the_loss_of_the_server(served: SimpleNamespace) -> None:
    app = console(Remote(served.address))  # type: ignore[arg-type]
    async with app.run_test(size=(140, 40)) as pilot:
        queue = Journey(app, pilot, None, app.session.clock)  # type: ignore[arg-type]
        await queue.shows("Roof door forced", "WHY", "event.action equals door_forced")
        await queue.press("enter", "v", "enter")
        await queue.shows('"action": "forced"', "user#")
        await queue.press("escape", "escape", "a")
        await queue.settles()
        await queue.shows("◐")
        await served.server.stop(0)
        await queue.shows("OFFLINE")
        await queue.press("c", "t")
        await queue.shows("1 action queued")
        served.server = served.serve()
        await served.server.start()
        await queue.settles()
        await queue.hides("OFFLINE")
    stored = served.store.incident("INC-1")
    assert [(each.verb, each.disposition) for each in stored.history] == [("take", None), ("close", "true_positive")]
