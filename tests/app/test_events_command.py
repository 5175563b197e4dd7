"""``impetus events`` against a server: lines as they are found, counts, and a reader that has enough."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from command import Done, impetus, impetus_here

from correlator.city import CityModel
from correlator.search import Searcher
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.batch import Commit, Head
from impetus.domain.personal import Masker
from impetus.domain.status import Status
from integrations.embedded.store import EmbeddedStore
from integrations.grpc.server import Server

MINUTE = 60_000_000
EVENTS = 3_000
Ask = Callable[..., "asyncio.Future[Done]"]


class Nobody:
    """The ports that a search has no use for."""

    async def act(self, action: Action | Undo | Promotion) -> None: ...

    undo = promote = act

    async def changed(self) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 0

    def status(self) -> Status:
        raise AssertionError


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    store, nobody = EmbeddedStore.in_memory(), Nobody()
    lines = tuple(
        json.dumps({"event.id": f"E-{n}", "user.name": f"u{n % 3}", "message": f"door {n}", "n": n}).encode()
        for n in range(EVENTS)
    )
    heads = tuple(Head(f"E-{n}", n * MINUTE, (f"user:u{n % 3}",)) for n in range(EVENTS))
    for start in range(0, EVENTS, 500):
        store.commit(Commit(lines=lines[start : start + 500], heads=heads[start : start + 500]))
    search = Searcher(store, CityModel.empty, lambda: EVENTS * MINUTE)
    server = Server(store, nobody, nobody, nobody, Masker(b"0" * 16), f"unix:{tmp_path}/api.sock", search=search)
    await server.start()
    yield server.address
    await server.stop(0)
    store.close()


async def ask(address: str, *arguments: str) -> Done:
    """In a process of its own: the server answers from this one."""
    return await asyncio.to_thread(impetus, "events", *arguments, "--address", address)


async def test_events_come_newest_first_as_json_lines(address: str) -> None:
    found = await ask(address, "n:<10 not user.name:u0", "--limit", "3")
    assert (found.status, found.err) == (0, "")
    assert [one["event.id"] for one in found.objects] == ["E-8", "E-7", "E-5"]
    assert all(one["user.name"].startswith("user#") for one in found.objects)


async def test_counts_come_as_json_lines_with_the_whole_at_the_end(address: str) -> None:
    found = await ask(
        address, "door", "--entity", "user:u1", "--histogram", "1d", "--facets", "user.name,n", "--top", "1"
    )
    *lines, whole = found.objects
    assert whole == {"events": EVENTS // 3, "complete": True}
    days = [one for one in lines if "from" in one]
    assert days[0] == {"from": "1970-01-01T00:00:00Z", "to": "1970-01-02T00:00:00Z", "events": 480}
    assert sum(one["events"] for one in days) == EVENTS // 3
    assert [(one["field"], one["events"]) for one in lines if "field" in one] == [("user.name", 1_000), ("n", 1)]


async def test_a_reader_that_has_enough_ends_the_search_in_silence(address: str) -> None:
    command = (sys.executable, "-m", "impetus.app", "events", "*", "--limit", "3000", "--address", address)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, limit=1 << 10)
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(await process.stdout.readline())["event.id"] == f"E-{EVENTS - 1}"
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    assert await process.stderr.read() == b""
    assert await process.wait() == 0


async def test_too_many_values_are_refused_by_the_name_of_the_option(address: str) -> None:
    found = await ask(address, "door", "--facets", "n", "--top", "99999")
    assert (found.status, "top: 99999 is too many" in found.err) == (2, True), found.err


async def test_events_that_cannot_be_written_are_one_line_of_error(address: str) -> None:
    with Path("/dev/full").open("wb") as full:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "impetus.app", "events", "--address", address, stdout=full, stderr=-1
        )
        _, said = await process.communicate()
    assert (process.returncode, said.count(b"\n"), b"[output.unwritable]" in said) == (2, 1, True)


@pytest.mark.parametrize(
    "arguments",
    [("a and",), ("x", "--histogram", "soon"), ("", "--since", "soon"),
     ("--limit", "0"), ("--limit", "-1"), ("--facets", "a", "--top", "0"), ("x", "--histogram", "0s")],
)  # fmt: skip
def test_what_cannot_be_understood_is_said_without_a_server(arguments: tuple[str, ...]) -> None:
    done = impetus_here("events", *arguments, "--address", "unix:/nowhere.sock")
    assert (done.status, done.out) == (2, "")
    assert "[query.invalid]" in done.err
